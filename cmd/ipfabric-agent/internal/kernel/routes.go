package kernel

import (
	"errors"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
)

// routes returns the agent's routes in the main table.
func (k *Kernel) routes(only int) ([]dataplane.SeenRoute, error) {
	msgs, err := k.dumpRoutes(unix.RtMsg{Protocol: dataplane.Protocol, Table: unix.RT_TABLE_MAIN}, only)
	if err != nil {
		return nil, err
	}
	var out []dataplane.SeenRoute
	for _, m := range msgs {
		r, ok, err := parseRoute(m)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, r)
		}
	}
	return out, nil
}

// dumpRoutes returns the kernel's messages about the routes of both families that
// are like a filter, over one link if only is not 0.
func (k *Kernel) dumpRoutes(filter unix.RtMsg, only int) ([][]byte, error) {
	var attrs []nl.NetlinkRequestData
	if only != 0 {
		attrs = append(attrs, nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(only))))
	}
	var out [][]byte
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		filter.Family = family
		msgs, err := k.dump(unix.RTM_GETROUTE, unix.RTM_NEWROUTE, &nl.RtMsg{RtMsg: filter}, attrs...)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EOPNOTSUPP) {
			continue // there is no route of this family yet, or no IPv6
		}
		if err != nil {
			return nil, err
		}
		out = append(out, msgs...)
	}
	return out, nil
}

func parseRoute(m []byte) (r dataplane.SeenRoute, ours bool, err error) {
	if len(m) < unix.SizeofRtMsg {
		return r, false, nil
	}
	msg := nl.DeserializeRtMsg(m)
	if msg.Protocol != dataplane.Protocol || msg.Table != unix.RT_TABLE_MAIN || msg.Flags&unix.RTM_F_CLONED != 0 {
		return r, false, nil
	}
	attrs, err := nl.ParseRouteAttr(m[unix.SizeofRtMsg:])
	if err != nil {
		return r, false, err
	}
	r.Prefix = destination(msg, attrs)
	r.Metric = number(attrs, unix.RTA_PRIORITY)
	r.Link = number(attrs, unix.RTA_OIF)
	return r, true, nil
}

// destination is where a route leads.
func destination(msg *nl.RtMsg, attrs []syscall.NetlinkRouteAttr) netip.Prefix {
	dst := address(attrs, unix.RTA_DST)
	if !dst.IsValid() { // a default route
		dst = netip.IPv4Unspecified()
		if msg.Family == unix.AF_INET6 {
			dst = netip.IPv6Unspecified()
		}
	}
	return netip.PrefixFrom(dst, int(msg.Dst_len))
}
