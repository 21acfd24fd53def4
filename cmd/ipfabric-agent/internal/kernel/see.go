package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
)

// See says what is there. devices are the names of the links that VMs want;
// with all, it also sees every other link, and all routes of the agent's.
func (k *Kernel) See(ctx context.Context, devices []string, all bool) (dataplane.Seen, error) {
	seen := dataplane.Seen{Links: map[string]*dataplane.Link{}, NoAltNames: k.noAlt}
	if all {
		if err := k.allLinks(seen.Links); err != nil {
			return seen, fmt.Errorf("the links: %w", err)
		}
	}
	wanted := map[string]bool{}
	for _, d := range devices {
		wanted[d] = true
		if all {
			continue
		}
		if err := k.oneLink(seen.Links, d); err != nil {
			return seen, fmt.Errorf("link %s: %w", d, err)
		}
	}
	// Only these need a closer look.
	ours := map[int]*dataplane.Link{}
	for _, l := range seen.Links {
		name, _ := dataplane.Marked(l.Alias)
		if wanted[l.Name] || name != "" {
			ours[l.Index] = l
		}
	}
	only := 0 // one link: the kernel can leave out the others
	if !all && len(ours) == 1 {
		for index := range ours {
			only = index
		}
	}
	if len(ours) > 0 {
		if err := k.addresses(ours, only); err != nil {
			return seen, fmt.Errorf("the addresses: %w", err)
		}
		if err := k.neighbors(ours, only); err != nil {
			return seen, fmt.Errorf("the neighbors: %w", err)
		}
	}
	if all || len(ours) > 0 {
		routes, err := k.routes(only)
		if err != nil {
			return seen, fmt.Errorf("the routes: %w", err)
		}
		for _, r := range routes {
			if all || ours[r.Link] != nil {
				seen.Routes = append(seen.Routes, r)
			}
		}
	}
	if err := k.usedByOthers(ours); err != nil {
		return seen, err
	}
	keys := dataplane.SettingKeys()
	for _, l := range ours {
		if err := ctx.Err(); err != nil {
			return seen, err
		}
		if !wanted[l.Name] {
			continue
		}
		l.Settings = readSettings(l.Name, keys)
	}
	return seen, nil
}

func (k *Kernel) allLinks(into map[string]*dataplane.Link) error {
	links, err := Again(k.handle.LinkList)
	if err != nil {
		return err
	}
	clear(k.index)
	for _, l := range links {
		k.add(into, l)
	}
	return nil
}

// oneLink looks for a link by its name, and where there is none, for the agent's
// own that was seen under it: it may have been renamed.
func (k *Kernel) oneLink(into map[string]*dataplane.Link, name string) error {
	was := k.index[name]
	delete(k.index, name)
	l, err := k.handle.LinkByName(name)
	var none netlink.LinkNotFoundError
	if err != nil && !errors.As(err, &none) {
		return err
	}
	// The kernel also finds a link by its alternative name.
	if err == nil && l.Attrs().Name == name {
		k.add(into, l)
		return nil
	}
	if was == 0 {
		return nil
	}
	l, err = k.handle.LinkByIndex(was)
	if errors.As(err, &none) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner, _ := dataplane.Marked(l.Attrs().Alias); owner != "" {
		k.add(into, l)
	}
	return nil
}

func (k *Kernel) add(into map[string]*dataplane.Link, l netlink.Link) {
	a := l.Attrs()
	link := &dataplane.Link{
		Index:    a.Index,
		Name:     a.Name,
		Kind:     l.Type(),
		Master:   a.MasterIndex,
		MAC:      a.HardwareAddr.String(),
		Up:       a.RawFlags&unix.IFF_UP != 0,
		Carrier:  a.RawFlags&unix.IFF_LOWER_UP != 0,
		NoARP:    a.RawFlags&unix.IFF_NOARP != 0,
		MTU:      a.MTU,
		Alias:    a.Alias,
		AltNames: a.AltNames,
	}
	if link.Kind == "device" {
		link.Kind = ""
	}
	if tun, ok := l.(*netlink.Tuntap); ok {
		link.Kind = "tun"
		link.Tap = tun.Mode == netlink.TUNTAP_MODE_TAP
		link.Owner, link.Group = tun.Owner, tun.Group
	}
	into[link.Name] = link
	k.index[link.Name] = link.Index
}

// Again repeats a dump that was interrupted by a change: what it returned may
// lack something that is there.
func Again[T any](dump func() (T, error)) (out T, err error) {
	for range 10 {
		out, err = dump()
		if !errors.Is(err, netlink.ErrDumpInterrupted) && !errors.Is(err, nl.ErrDumpInterrupted) {
			return out, err
		}
	}
	return out, err
}

// dump asks the kernel for a list and returns its raw messages.
func (k *Kernel) dump(kind int, answer uint16, header nl.NetlinkRequestData, attrs ...nl.NetlinkRequestData) ([][]byte, error) {
	return Again(func() ([][]byte, error) {
		req := nl.NewNetlinkRequest(kind, unix.NLM_F_DUMP)
		req.Sockets = k.dumps
		req.AddData(header)
		for _, a := range attrs {
			req.AddData(a)
		}
		return req.Execute(unix.NETLINK_ROUTE, answer)
	})
}

func (k *Kernel) addresses(links map[int]*dataplane.Link, only int) error {
	header := nl.NewIfAddrmsg(unix.AF_UNSPEC)
	header.Index = uint32(only)
	msgs, err := k.dump(unix.RTM_GETADDR, unix.RTM_NEWADDR, header)
	if err != nil {
		return err
	}
	for _, m := range msgs {
		if len(m) < unix.SizeofIfAddrmsg {
			continue
		}
		msg := nl.DeserializeIfAddrmsg(m)
		link := links[int(msg.Index)]
		if link == nil {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[unix.SizeofIfAddrmsg:])
		if err != nil {
			return err
		}
		// On a point-to-point address the local end is IFA_LOCAL.
		a := address(attrs, unix.IFA_LOCAL)
		if !a.IsValid() {
			a = address(attrs, unix.IFA_ADDRESS)
		}
		if a.IsValid() {
			link.Addrs = append(link.Addrs, netip.PrefixFrom(a, int(msg.Prefixlen)))
		}
	}
	return nil
}

func (k *Kernel) neighbors(links map[int]*dataplane.Link, only int) error {
	var attrs []nl.NetlinkRequestData
	if only != 0 {
		attrs = append(attrs, nl.NewRtAttr(netlink.NDA_IFINDEX, nl.Uint32Attr(uint32(only))))
	}
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		msgs, err := k.dump(unix.RTM_GETNEIGH, unix.RTM_NEWNEIGH, &ndmsg{unix.NdMsg{Family: family}}, attrs...)
		if err != nil {
			return err
		}
		for _, m := range msgs {
			if len(m) < unix.SizeofNdMsg {
				continue
			}
			msg := (*unix.NdMsg)(unsafe.Pointer(&m[0]))
			link := links[int(msg.Ifindex)]
			if link == nil || msg.State&unix.NUD_PERMANENT == 0 {
				continue
			}
			attrs, err := nl.ParseRouteAttr(m[unix.SizeofNdMsg:])
			if err != nil {
				return err
			}
			if a := address(attrs, unix.NDA_DST); a.IsValid() {
				link.Neighbors = append(link.Neighbors, dataplane.Neighbor{Addr: a, MAC: hardware(attrs)})
			}
		}
	}
	return nil
}
