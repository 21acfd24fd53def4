package bridge

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// setUp makes the bridge and all that must be true of it.
func setUp(n plan.Network, lab, dir string, mtu int) error {
	fail := func(what string, err error) error {
		return fmt.Errorf("bridge %s: %s: %w", n.Bridge(), what, err)
	}
	link, err := netlink.LinkByName(n.Bridge())
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		noSnooping := false // it would drop what IPv6 neighbor discovery sends first
		attrs := netlink.NewLinkAttrs()
		attrs.Name = n.Bridge()
		// Said, it stays; otherwise the bridge takes the lowest address of its
		// ports, which changes under the machines' feet as others boot.
		attrs.HardwareAddr = net.HardwareAddr{0x02, 0, 10, 213, byte(n), 254}
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &noSnooping}); err != nil {
			return fail("make it", err)
		}
		link, err = netlink.LinkByName(n.Bridge())
	}
	if err != nil {
		return fail("look it up", err)
	}
	alias := aliasPrefix + lab + " " + dir
	if err := netlink.LinkSetAlias(link, alias[:min(len(alias), 255)]); err != nil {
		return fail("name it", err)
	}
	if err := netlink.LinkSetMTU(link, mtu); err != nil {
		return fail("set its MTU", err)
	}
	// The host takes no routes from machines.
	acceptRA := filepath.Join("/proc/sys/net/ipv6/conf", n.Bridge(), "accept_ra")
	if err := os.WriteFile(acceptRA, []byte("0"), 0); err != nil {
		return hint.Add(fail("switch router advertisements off", err), "the lab needs a host with IPv6 in the kernel (no ipv6.disable=1)")
	}
	for _, a := range []netip.Prefix{
		netip.PrefixFrom(n.Host4(), n.Prefix4().Bits()),
		netip.PrefixFrom(n.Host6(), n.Prefix6().Bits()),
	} {
		addr := &netlink.Addr{IPNet: ipNet(a), Flags: unix.IFA_F_NODAD}
		if err := netlink.AddrReplace(link, addr); err != nil {
			return hint.Add(fail("set "+a.String(), err), "if this is about IPv6: `sysctl net.ipv6.conf.all.disable_ipv6` must say 0")
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fail("switch it on", err)
	}
	return nil
}

// takeDown removes a bridge and the machines' cables that are in it: a cable
// outlives its machine for as long as the machine's last connections wait for
// answers, which is minutes if their other ends are gone.
func takeDown(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return err
	}
	all, err := netlink.LinkList()
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Attrs().MasterIndex != link.Attrs().Index || l.Type() != "veth" {
			continue
		}
		// Some go by themselves meanwhile.
		if err := netlink.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
			return fmt.Errorf("remove %s: %v", l.Attrs().Name, err)
		}
	}
	return netlink.LinkDel(link)
}

// uplinkMTU returns the MTU on the way to the outside. Machines that send
// larger packets than that would wait for downloads that never come.
func uplinkMTU() (int, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return 0, fmt.Errorf("list routes: %v", err)
	}
	for _, r := range routes {
		if r.Dst != nil && r.Dst.IP.IsUnspecified() {
			r.Dst = nil // netlink's versions differ in how they give the default route
		}
		if r.Dst != nil {
			continue
		}
		link, err := netlink.LinkByIndex(r.LinkIndex)
		if err != nil {
			continue
		}
		return min(max(link.Attrs().MTU, 1280), 1500), nil // IPv6 needs 1280
	}
	return 1500, nil // no way out; the lab works without, if nothing is to be installed
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefixOf(n *net.IPNet) (netip.Prefix, bool) {
	a, ok := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones), ok
}

// MTU returns the MTU of a network that is there.
func MTU(n plan.Network) (int, error) {
	link, err := netlink.LinkByName(n.Bridge())
	if err != nil {
		return 0, fmt.Errorf("bridge %s: %v", n.Bridge(), err)
	}
	return link.Attrs().MTU, nil
}
