package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
)

// Do makes one change. It is no error if the change is there already: another
// program may have made it since See, or a link was deleted with all it had.
func (k *Kernel) Do(o dataplane.Op) error {
	err := k.do(o)
	if err == nil || done(o.Verb, err) {
		return nil
	}
	if o.Verb == dataplane.AddAltName && errors.Is(err, unix.EOPNOTSUPP) {
		k.noAlt = true
		return nil
	}
	return fmt.Errorf("%s: %w", o, explain(err))
}

// done says whether an error only says that there was nothing to do.
func done(v dataplane.Verb, err error) bool {
	switch v {
	case dataplane.AddAddr:
		return errors.Is(err, unix.EEXIST)
	case dataplane.DelAddr:
		return errors.Is(err, unix.EADDRNOTAVAIL)
	case dataplane.DelNeighbor:
		return errors.Is(err, unix.ENOENT)
	case dataplane.DelRoute:
		return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV)
	case dataplane.DeleteLink:
		return errors.Is(err, unix.ENODEV)
	}
	return false
}

// explain adds what an operator can make of an error.
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (the agent needs CAP_NET_ADMIN)", err)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("the interface went away: %w", err)
	}
	return err
}

func (k *Kernel) do(o dataplane.Op) error {
	switch o.Verb {
	case dataplane.MakeTap:
		if err := makeTap(o.Device, o.Owner, o.Group, o.MultiQueue); err != nil {
			return err
		}
		l, err := k.handle.LinkByName(o.Device)
		if err != nil {
			return err
		}
		k.index[o.Device] = l.Attrs().Index
		return nil
	case dataplane.SetOwner:
		return ownTap(o.Device, o.Owner, o.Group, o.MultiQueue)
	case dataplane.Set:
		return writeSetting(o.Device, o.Key, o.Value, o.Optional)
	case dataplane.DelRoute:
		return k.handle.RouteDel(route(o, o.Index, netlink.SCOPE_NOWHERE))
	}
	if o.Verb == dataplane.Rename {
		return k.rename(o)
	}
	index, ok := k.index[o.Device]
	if !ok {
		return unix.ENODEV
	}
	link := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: o.Device, Index: index}}
	switch o.Verb {
	case dataplane.DeleteLink:
		delete(k.index, o.Device)
		return k.handle.LinkDel(link)
	case dataplane.SetAlias:
		return k.handle.LinkSetAlias(link, o.Value)
	case dataplane.AddAltName:
		return k.handle.LinkAddAltName(link, o.Value)
	case dataplane.DelAltName:
		return k.handle.LinkDelAltName(link, o.Value)
	case dataplane.SetMAC:
		mac, err := net.ParseMAC(o.Value)
		if err != nil {
			return err
		}
		return k.handle.LinkSetHardwareAddr(link, mac)
	case dataplane.SetMTU:
		return k.handle.LinkSetMTU(link, o.MTU)
	case dataplane.SetARP:
		return k.handle.LinkSetARPOn(link)
	case dataplane.SetUp:
		return k.handle.LinkSetUp(link)
	case dataplane.SetDown:
		return k.handle.LinkSetDown(link)
	case dataplane.AddAddr:
		return k.handle.AddrAdd(link, addr(o.Prefix))
	case dataplane.DelAddr:
		return k.handle.AddrDel(link, addr(o.Prefix))
	case dataplane.SetNeighbor, dataplane.DelNeighbor:
		return k.neighbor(o, index)
	case dataplane.AddRoute:
		return k.handle.RouteReplace(route(o, index, netlink.SCOPE_LINK))
	case dataplane.AddFallback:
		o.Metric = dataplane.FallbackMetric
		r := route(o, index, netlink.SCOPE_LINK)
		r.Protocol = dataplane.FallbackProtocol
		return k.handle.RouteReplace(r)
	}
	return fmt.Errorf("there is no verb %q", o.Verb)
}

// rename gives a link its name back. Kernels before 6.2 rename only what is down;
// what the link loses by that comes back with the next pass. A link that keeps a
// name which the rules do not know must not stay up.
func (k *Kernel) rename(o dataplane.Op) error {
	index, ok := k.index[o.Value]
	if !ok {
		return unix.ENODEV
	}
	link := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: o.Value, Index: index}}
	err := k.handle.LinkSetName(link, o.Device)
	if err != nil {
		if down := k.handle.LinkSetDown(link); down != nil {
			return errors.Join(err, down)
		}
		if err = k.handle.LinkSetName(link, o.Device); err != nil {
			return fmt.Errorf("%w; it is set down, since nothing would be filtered there", err)
		}
		err = k.handle.LinkSetUp(link)
	}
	delete(k.index, o.Value)
	k.index[o.Device] = index
	return err
}

func (k *Kernel) neighbor(o dataplane.Op, index int) error {
	n := &netlink.Neigh{
		LinkIndex: index,
		IP:        o.Prefix.Addr().AsSlice(),
		State:     netlink.NUD_PERMANENT,
	}
	if o.Verb == dataplane.DelNeighbor {
		return k.handle.NeighDel(n)
	}
	mac, err := net.ParseMAC(o.Value)
	if err != nil {
		return err
	}
	n.HardwareAddr = mac
	return k.handle.NeighSet(n)
}

func addr(p netip.Prefix) *netlink.Addr {
	a := &netlink.Addr{IPNet: ipNet(p)}
	if p.Addr().Is4() {
		// The gateway's address is on every VM's interface: it is good for
		// talking to the VM behind this one, and for nothing else.
		a.Scope = unix.RT_SCOPE_LINK
		return a
	}
	a.Flags = unix.IFA_F_NODAD
	return a
}

func route(o dataplane.Op, index int, scope netlink.Scope) *netlink.Route {
	r := &netlink.Route{
		LinkIndex: index,
		Dst:       ipNet(o.Prefix),
		Protocol:  dataplane.Protocol,
		Priority:  o.Metric,
		Table:     unix.RT_TABLE_MAIN,
	}
	if o.Prefix.Addr().Is4() {
		r.Scope = scope
	}
	return r
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
