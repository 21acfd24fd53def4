package kernel

import (
	"fmt"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
)

// usedByOthers looks what else relies on links that have no mark yet: one that
// carries the host's VLANs or routes is no VM's, though it has no address.
func (k *Kernel) usedByOthers(links map[int]*dataplane.Link) error {
	unknown := map[int]*dataplane.Link{}
	only := 0
	for _, l := range links {
		if name, _ := dataplane.Marked(l.Alias); name == "" {
			unknown[l.Index] = l
			only = l.Index
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	if len(unknown) > 1 {
		only = 0
	}
	uppers, err := k.uppers()
	if err != nil {
		return fmt.Errorf("the links: %w", err)
	}
	for _, l := range unknown {
		l.Uppers = uppers[l.Index]
	}
	if err := k.othersRoutes(unknown, only); err != nil {
		return fmt.Errorf("the routes of others: %w", err)
	}
	return nil
}

// uppers returns the names of the links that are on top of others, by the
// others' index. The other end of a veth is none, nor is what is on top of a
// link of another namespace.
func (k *Kernel) uppers() (map[int][]string, error) {
	links, err := Again(k.handle.LinkList)
	if err != nil {
		return nil, err
	}
	out := map[int][]string{}
	for _, l := range links {
		a := l.Attrs()
		below := a.ParentIndex
		if tunnel, ok := l.(*netlink.Vxlan); ok {
			below = tunnel.VtepDevIndex
		}
		if below == 0 || below == a.Index || a.NetNsID >= 0 || l.Type() == "veth" || l.Type() == "netkit" {
			continue
		}
		out[below] = append(out[below], a.Name)
	}
	return out, nil
}

// othersRoutes notes where routes over the links lead that neither the kernel
// nor the agent has made, in all tables.
func (k *Kernel) othersRoutes(links map[int]*dataplane.Link, only int) error {
	msgs, err := k.dumpRoutes(unix.RtMsg{}, only)
	if err != nil {
		return err
	}
	for _, m := range msgs {
		if len(m) < unix.SizeofRtMsg {
			continue
		}
		msg := nl.DeserializeRtMsg(m)
		if msg.Protocol == unix.RTPROT_KERNEL || msg.Protocol == dataplane.Protocol ||
			msg.Type != unix.RTN_UNICAST || msg.Flags&unix.RTM_F_CLONED != 0 {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[unix.SizeofRtMsg:])
		if err != nil {
			return err
		}
		for _, index := range over(attrs) {
			if l := links[index]; l != nil {
				l.Others = append(l.Others, destination(msg, attrs))
			}
		}
	}
	return nil
}

// over returns the links that a route leads over: one, or those of its several
// next hops.
func over(attrs []syscall.NetlinkRouteAttr) []int {
	out := []int{number(attrs, unix.RTA_OIF)}
	hops := value(attrs, unix.RTA_MULTIPATH)
	for len(hops) >= unix.SizeofRtNexthop {
		hop := nl.DeserializeRtNexthop(hops)
		out = append(out, int(hop.Ifindex))
		next := (int(hop.RtNexthop.Len) + 3) &^ 3 // RTNH_ALIGN
		if next < unix.SizeofRtNexthop || next > len(hops) {
			break
		}
		hops = hops[next:]
	}
	return out
}
