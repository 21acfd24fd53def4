package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
)

// An Event says where something has changed. It does not say what: its receiver
// looks.
type Event struct {
	Device   string     // a link, by name
	Index    int        // a link, by index
	Route    bool       // there is a new route of the agent's over link Index (0: none)
	Addr     netip.Addr // a route to it alone, of any program, is new, replaced or gone
	Firewall bool       // another program has changed the agent's nftables tables
	All      bool       // events were lost: it may be anything
}

// A Watch is a subscription to changes.
type Watch struct {
	routing *nl.NetlinkSocket
	tables  *nl.NetlinkSocket
	ours    func(port uint32) bool
}

// Subscribe starts to collect the changes of the calling thread's namespace. Of
// the nftables tables', those that come from the agent's own sockets, which ours
// says by their netlink port, are left out.
func Subscribe(ours func(port uint32) bool) (*Watch, error) {
	routing, err := nl.Subscribe(unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH,
		// The kernel reports no change of most sysctls of interfaces. It does for
		// forwarding, rp_filter and proxy_arp.
		unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF,
		unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR,
		unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	tables, err := nl.Subscribe(unix.NETLINK_NETFILTER, unix.NFNLGRP_NFTABLES)
	if err != nil {
		routing.Close()
		return nil, fmt.Errorf("nftables: %w", err)
	}
	for _, s := range []*nl.NetlinkSocket{routing, tables} {
		// bgpd may change thousands of routes at once. If the buffer overflows,
		// the kernel says so, and everything is looked at.
		_ = s.SetReceiveBufferSize(4<<20, true)
	}
	return &Watch{routing: routing, tables: tables, ours: ours}, nil
}

// Run reports changes until ctx is done.
func (w *Watch) Run(ctx context.Context, report func(Event)) error {
	stop := context.AfterFunc(ctx, func() {
		w.routing.Close()
		w.tables.Close()
	})
	defer stop()
	failed := make(chan error, 2)
	go func() { failed <- receive(ctx, w.routing, routingEvent, report) }()
	go func() { failed <- receive(ctx, w.tables, w.tableEvent, report) }()
	err := <-failed
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func receive(ctx context.Context, s *nl.NetlinkSocket, parse func(syscall.NlMsghdr, []byte) (Event, bool), report func(Event)) error {
	for {
		msgs, _, err := s.Receive()
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, unix.ENOBUFS) {
			report(Event{All: true, Firewall: true})
			continue
		}
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("netlink: %w", err)
		}
		for _, m := range msgs {
			if e, ok := parse(m.Header, m.Data); ok {
				report(e)
			}
		}
	}
}

func routingEvent(header syscall.NlMsghdr, data []byte) (Event, bool) {
	switch header.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(data) < unix.SizeofIfInfomsg {
			return Event{}, false
		}
		attrs, err := nl.ParseRouteAttr(data[unix.SizeofIfInfomsg:])
		if err != nil {
			return Event{}, false
		}
		name := nl.BytesToString(value(attrs, unix.IFLA_IFNAME))
		return Event{Device: name, Index: int(nl.DeserializeIfInfomsg(data).Index)}, name != ""
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		if len(data) < unix.SizeofIfAddrmsg {
			return Event{}, false
		}
		return Event{Index: int(nl.DeserializeIfAddrmsg(data).Index)}, true
	case unix.RTM_DELNEIGH:
		if len(data) < unix.SizeofNdMsg {
			return Event{}, false
		}
		return Event{Index: int(int32(nl.NativeEndian().Uint32(data[4:])))}, true
	case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
		return routeEvent(data, header.Type == unix.RTM_NEWROUTE)
	case unix.RTM_NEWNETCONF:
		const netconf, ifindex = 4, 1 // struct netconfmsg: a family, aligned; NETCONFA_IFINDEX
		if len(data) < netconf {
			return Event{}, false
		}
		attrs, err := nl.ParseRouteAttr(data[netconf:])
		if err != nil {
			return Event{}, false
		}
		index := int(int32(number(attrs, ifindex)))
		return Event{Index: index}, index > 0 // below: all, default
	}
	return Event{}, false
}

// routeEvent reads a change of a route. It reports the agent's own routes, and
// other programs' routes to a single address: that address may be a VM's, and the
// kernel does not say which route was replaced.
func routeEvent(data []byte, isNew bool) (Event, bool) {
	if len(data) < unix.SizeofRtMsg {
		return Event{}, false
	}
	msg := nl.DeserializeRtMsg(data)
	if msg.Table != unix.RT_TABLE_MAIN || msg.Flags&unix.RTM_F_CLONED != 0 {
		return Event{}, false
	}
	attrs, err := nl.ParseRouteAttr(data[unix.SizeofRtMsg:])
	if err != nil {
		return Event{}, false
	}
	var e Event
	if p := destination(msg, attrs); p.IsSingleIP() {
		e.Addr = p.Addr()
	}
	ours := msg.Protocol == dataplane.Protocol
	if ours {
		e.Index, e.Route = number(attrs, unix.RTA_OIF), isNew
	}
	return e, ours || e.Addr.IsValid()
}

// tableEvent looks for what others do to the agent's tables.
func (w *Watch) tableEvent(h syscall.NlMsghdr, data []byte) (Event, bool) {
	const header = 4 // struct nfgenmsg: family, version, resource
	if h.Type>>8 != unix.NFNL_SUBSYS_NFTABLES || len(data) < header || !slices.Contains(firewall.Families, nftables.TableFamily(data[0])) {
		return Event{}, false
	}
	if h.Type&0xff == unix.NFT_MSG_NEWGEN || w.ours(h.Pid) {
		return Event{}, false
	}
	attrs, err := nl.ParseRouteAttr(data[header:])
	if err != nil {
		return Event{}, false
	}
	// In all the other messages attribute 1 is the table's name.
	name := nl.BytesToString(value(attrs, unix.NFTA_TABLE_NAME))
	return Event{Firewall: true}, name == firewall.TableName
}
