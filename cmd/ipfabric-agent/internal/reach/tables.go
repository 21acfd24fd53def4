package reach

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

// tables are the routing tables of a family, each read when it is first needed.
type tables struct {
	look   *Look
	family uint8
	seen   map[uint32][]hop
	def    *diverted // by the default route, once asked is true
	asked  bool
	err    error
}

// A hop is where a route leads.
type hop struct {
	to   netip.Prefix
	link int
	kind int // unix.RTN_UNICAST …
}

// find is the route of a table to an address; of several, the most special one.
func (t *tables) find(table uint32, a netip.Addr) (hop, bool) {
	hops, ok := t.seen[table]
	if !ok && t.err == nil {
		hops, t.err = t.read(table)
		t.seen[table] = hops
	}
	best, found := hop{}, false
	for _, h := range hops {
		if h.to.Contains(a) && (!found || h.to.Bits() > best.to.Bits()) {
			best, found = h, true
		}
	}
	return best, found
}

func (t *tables) read(table uint32) ([]hop, error) {
	routes, err := kernel.Again(func() ([]netlink.Route, error) {
		return t.look.handle.RouteListFiltered(int(t.family), &netlink.Route{Table: int(table)}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return nil, err
	}
	var out []hop
	for _, r := range routes {
		h := hop{link: r.LinkIndex, kind: r.Type}
		if len(r.MultiPath) > 0 {
			h.link = r.MultiPath[0].LinkIndex
		}
		switch {
		case r.Dst != nil:
			a, _ := netip.AddrFromSlice(r.Dst.IP)
			a = a.Unmap()
			bits, _ := r.Dst.Mask.Size()
			h.to = netip.PrefixFrom(a, bits)
		case t.family == unix.AF_INET6:
			h.to = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		default:
			h.to = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		out = append(out, h)
	}
	return out, nil
}

// An end is what the rules before the main table do with a packet.
type end struct {
	rule rule
	hop  hop
}

// before follows a packet through the rules that come before the main table's.
// The result is nil if none of them has a route for it.
func (t *tables) before(all []rule, iif string, src, dst, ask netip.Addr) *end {
	for _, r := range all {
		if r.action == actionTable && r.table == unix.RT_TABLE_LOCAL || !r.matches(iif, src, dst) {
			continue
		}
		if r.action != actionTable {
			if refusals[r.action] == "" {
				continue // goto, nop
			}
			return &end{rule: r, hop: hop{kind: int(r.action)}}
		}
		h, ok := t.find(r.table, ask)
		if !ok || h.kind == unix.RTN_THROW || h.to.Bits() <= r.suppress {
			continue
		}
		if r.table == unix.RT_TABLE_MAIN {
			return nil
		}
		return &end{r, h}
	}
	return nil
}

// toVM follows a packet from outside that comes in on an uplink.
func (t *tables) toVM(all []rule, v VM, a netip.Addr, up []device) *diverted {
	for _, u := range up {
		e := t.before(all, u.name, netip.Addr{}, a, a)
		if e == nil || e.hop.link == v.Index && e.hop.kind == unix.RTN_UNICAST {
			continue
		}
		return &diverted{
			vm.IsProblem,
			"a rule (" + e.rule.String() + ") comes before the main table and " + t.what(e.hop) + " what is for %s",
			t.show(e),
		}
	}
	return nil
}

// outside are addresses that no host has: they are for documentation (RFC 5737, RFC
// 9637).
var outside = map[uint8]netip.Addr{
	unix.AF_INET:  netip.MustParseAddr("192.0.2.1"),
	unix.AF_INET6: netip.MustParseAddr("3fff::1"),
}

// fromVM follows a packet that the VM sends to an address outside. That it goes
// another way than the main table's default may be wanted: a second uplink. That
// it is dropped, or goes into a tunnel, is not.
func (t *tables) fromVM(all []rule, v VM, a netip.Addr, up []device) *diverted {
	e := t.before(all, v.Device, a, netip.Addr{}, outside[t.family])
	if e == nil {
		return t.byDefault(up)
	}
	if e.hop.kind == unix.RTN_UNICAST {
		isUplink := func(d device) bool { return d.index == e.hop.link }
		d, err := t.look.device(e.hop.link)
		if err != nil || slices.ContainsFunc(up, isUplink) || d.usable && !tunnels[d.kind] {
			return nil
		}
	}
	return &diverted{
		vm.IsProblem,
		"a rule (" + e.rule.String() + ") comes before the main table and " + t.what(e.hop) + " what comes from %s",
		t.show(e),
	}
}

// byDefault looks where the node itself sends what is for outside.
// A tunnel may well be the way to the world, so this is a warning.
func (t *tables) byDefault(up []device) *diverted {
	if !t.asked {
		t.asked, t.def = true, t.askDefault(up)
	}
	return t.def
}

func (t *tables) askDefault(up []device) *diverted {
	routes, err := kernel.Again(func() ([]netlink.Route, error) { return t.look.handle.RouteGet(outside[t.family].AsSlice()) })
	if err != nil || len(routes) == 0 {
		return nil // there is no default route
	}
	index := routes[0].LinkIndex
	d, err := t.look.device(index)
	if err != nil || !tunnels[d.kind] || slices.ContainsFunc(up, func(u device) bool { return u.index == index }) {
		return nil
	}
	return &diverted{
		vm.IsWarning,
		"the default route leads into the tunnel " + d.name + ", and so does what comes from %s",
		"to see it: ip route get " + outside[t.family].String() + "; keep the program that made " + d.name + " from taking the default route",
	}
}

// tunnels are the kinds of links that programs for VPNs make.
var tunnels = map[string]bool{
	"wireguard": true, "tuntap": true, "tun": true, "ipip": true, "gre": true, "ip6gre": true, "sit": true,
	"ip6tnl": true, "vti": true, "vti6": true, "xfrm": true, "ppp": true, "dummy": true,
}

// what says what a route does to packets.
func (t *tables) what(h hop) string {
	switch h.kind {
	case unix.RTN_BLACKHOLE, unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT:
		return "drops"
	case unix.RTN_LOCAL:
		return "takes for the node itself"
	}
	d, err := t.look.device(h.link)
	if err != nil {
		return "diverts"
	}
	return "sends to " + d.name
}

// show is how an operator sees it.
func (t *tables) show(e *end) string {
	family := "-4"
	if t.family == unix.AF_INET6 {
		family = "-6"
	}
	hint := fmt.Sprintf("to see it: ip %s rule show", family)
	if e.rule.action == actionTable {
		hint += fmt.Sprintf("; ip %s route show table %d", family, e.rule.table)
	}
	return hint + fmt.Sprintf("; to remove it: ip %s rule del pref %d, and keep the program that made it from making it again", family, e.rule.priority)
}
