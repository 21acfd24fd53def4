package kernel

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocolBGP is what FRR marks its BGP routes with in the kernel. It takes them
// out by itself once it has seen the agent's, as when a VM has just moved here.
const protocolBGP = 186

// Astray says where the node sends packets for an address, if that is not over
// the link of this index: another program's route beats the agent's. What rules of the
// operator's (ip rule) send elsewhere is his to know.
func (k *Kernel) Astray(a netip.Addr, index int) string {
	routes, err := k.handle.RouteGetWithOptions(a.AsSlice(), &netlink.RouteGetOptions{FIBMatch: true})
	switch {
	case errors.Is(err, unix.EINVAL):
		return "a blackhole route drops what is for " + a.String() + show(a)
	case errors.Is(err, unix.EACCES):
		return "a prohibit route refuses what is for " + a.String() + show(a)
	case errors.Is(err, unix.EHOSTUNREACH):
		return "an unreachable route refuses what is for " + a.String() + show(a)
	case err != nil || len(routes) == 0:
		return "" // the routes that are there are in Seen
	}
	r := routes[0]
	if r.Type == unix.RTN_LOCAL {
		return fmt.Sprintf("%s is an address of the node itself (ip addr show to %s)", a, a)
	}
	if r.LinkIndex == index || r.Table != unix.RT_TABLE_MAIN || r.Protocol == protocolBGP {
		return ""
	}
	device := fmt.Sprintf("interface %d", r.LinkIndex)
	if l, err := k.handle.LinkByIndex(r.LinkIndex); err == nil {
		device = l.Attrs().Name
	}
	return fmt.Sprintf("another route sends what is for %s to %s%s", a, device, show(a))
}

func show(a netip.Addr) string {
	family := "-4"
	if a.Is6() {
		family = "-6"
	}
	return fmt.Sprintf(", and beats the agent's (ip %s route show %s)", family, netip.PrefixFrom(a, a.BitLen()))
}
