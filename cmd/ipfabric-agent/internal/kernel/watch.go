package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/firewall"
)

// An Event says where something has changed. It does not say what: whoever
// gets it looks for himself.
type Event struct {
	Device   string // a link, by name
	Index    int    // a link, by index
	Firewall bool   // something is gone from the agent's nftables table
	All      bool   // events were lost: it may be anything
}

// A Watch is a subscription to changes.
type Watch struct {
	routing *nl.NetlinkSocket
	tables  *nl.NetlinkSocket
}

// Subscribe starts to collect the changes of the calling thread's namespace.
func Subscribe() (*Watch, error) {
	routing, err := nl.Subscribe(unix.NETLINK_ROUTE,
		unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH,
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
		// bgpd may change thousands of routes at once. Where that is too much
		// all the same, the kernel says so, and everything is looked at.
		_ = s.SetReceiveBufferSize(4<<20, true)
	}
	return &Watch{routing: routing, tables: tables}, nil
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
	go func() { failed <- receive(ctx, w.tables, tableEvent, report) }()
	err := <-failed
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func receive(ctx context.Context, s *nl.NetlinkSocket, parse func(kind uint16, data []byte) (Event, bool), report func(Event)) error {
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
			if e, ok := parse(m.Header.Type, m.Data); ok {
				report(e)
			}
		}
	}
}

func routingEvent(kind uint16, data []byte) (Event, bool) {
	switch kind {
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
		r, ours, err := parseRoute(data)
		return Event{Index: r.Link}, ours && err == nil
	}
	return Event{}, false
}

// tableEvent looks for what is taken out of the agent's table. What others put
// in is found by the next full pass.
func tableEvent(kind uint16, data []byte) (Event, bool) {
	const header = 4 // struct nfgenmsg: family, version, resource
	if kind>>8 != unix.NFNL_SUBSYS_NFTABLES || len(data) < header || data[0] != unix.NFPROTO_INET {
		return Event{}, false
	}
	switch kind & 0xff {
	case unix.NFT_MSG_DELTABLE, unix.NFT_MSG_DELCHAIN, unix.NFT_MSG_DELRULE, unix.NFT_MSG_DELSET, unix.NFT_MSG_DELSETELEM:
	default:
		return Event{}, false
	}
	attrs, err := nl.ParseRouteAttr(data[header:])
	if err != nil {
		return Event{}, false
	}
	// In all these messages attribute 1 is the table's name.
	name := nl.BytesToString(value(attrs, unix.NFTA_TABLE_NAME))
	return Event{Firewall: true}, name == firewall.TableName
}
