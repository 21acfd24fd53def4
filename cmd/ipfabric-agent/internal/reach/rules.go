package reach

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

// rules finds rules of policy routing (ip rule) that come before the main table
// and send VMs' packets elsewhere, as programs for VPNs add them; and default
// routes that such a program has put in front of the node's own.
func (l *Look) rules(q Question, up []device) ([]vm.Finding, error) {
	vms := attached(q.VMs)
	if len(vms) == 0 || len(up) == 0 {
		return nil, nil
	}
	var out []vm.Finding
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		all, err := l.ruleList(family)
		if err != nil {
			return out, err
		}
		t := tables{look: l, family: family, seen: map[uint32][]hop{}}
		found := map[string]*vm.Finding{}
		for _, v := range vms {
			for _, a := range v.Addrs {
				if a.Is6() != (family == unix.AF_INET6) {
					continue
				}
				for _, d := range []*diverted{t.toVM(all, v, a, up), t.fromVM(all, v, a, up)} {
					if d == nil {
						continue
					}
					if found[d.text] == nil {
						found[d.text] = &vm.Finding{Code: vm.RuleDiverts, Level: d.level, Hint: d.hint}
					}
					if f := found[d.text]; !slices.Contains(f.VMs, v.Name) {
						f.VMs = append(f.VMs, v.Name)
					}
				}
			}
		}
		if t.err != nil {
			return out, t.err
		}
		for text, f := range found {
			slices.SortFunc(f.VMs, cmp.Compare[string])
			f.Text = fmt.Sprintf(text, ofVMs(f.VMs, len(vms)))
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b vm.Finding) int { return cmp.Compare(a.Text, b.Text) })
	return out, nil
}

// A diverted packet. The text has a %s for the VMs.
type diverted struct {
	level      vm.Level
	text, hint string
}

// A rule is one of policy routing.
type rule struct {
	priority uint32
	action   uint8
	table    uint32
	src, dst netip.Prefix // not valid: any
	iif, oif string
	suppress int  // routes with a prefix of this length or a shorter one do not count; -1: all count
	marked   bool // it is for packets with a mark, which VMs' packets do not have
	inverted bool
	narrow   bool // it is for some ports, protocols, users or services only
	l3mdev   bool // it is for VRFs
}

// ruleList returns the rules of a family in the order of their priorities. The
// netlink library does not return their actions.
func (l *Look) ruleList(family uint8) ([]rule, error) {
	msgs, err := kernel.Again(func() ([][]byte, error) {
		req := nl.NewNetlinkRequest(unix.RTM_GETRULE, unix.NLM_F_DUMP)
		req.AddData(&nl.RtMsg{RtMsg: unix.RtMsg{Family: family}})
		return req.Execute(unix.NETLINK_ROUTE, unix.RTM_NEWRULE)
	})
	if err != nil {
		return nil, err
	}
	var out []rule
	for _, m := range msgs {
		if len(m) < unix.SizeofRtMsg {
			continue
		}
		attrs, err := nl.ParseRouteAttr(m[unix.SizeofRtMsg:])
		if err != nil {
			return nil, err
		}
		msg := nl.DeserializeRtMsg(m)
		r := rule{action: msg.Type, table: uint32(msg.Table), inverted: msg.Flags&netlink.FibRuleInvert != 0, narrow: msg.Tos != 0, suppress: -1}
		for _, a := range attrs {
			number := func() uint32 {
				if len(a.Value) < 4 {
					return 0
				}
				return nl.NativeEndian().Uint32(a.Value)
			}
			switch a.Attr.Type {
			case nl.FRA_PRIORITY:
				r.priority = number()
			case nl.FRA_TABLE:
				r.table = number()
			case nl.FRA_SRC:
				r.src = prefix(a.Value, msg.Src_len)
			case nl.FRA_DST:
				r.dst = prefix(a.Value, msg.Dst_len)
			case nl.FRA_IIFNAME:
				r.iif = nl.BytesToString(a.Value)
			case nl.FRA_OIFNAME:
				r.oif = nl.BytesToString(a.Value)
			case nl.FRA_FWMARK, nl.FRA_FWMASK:
				r.marked = r.marked || number() != 0 && a.Attr.Type == nl.FRA_FWMARK
			case nl.FRA_SUPPRESS_PREFIXLEN:
				r.suppress = int(int32(number()))
			case nl.FRA_IP_PROTO, nl.FRA_SPORT_RANGE, nl.FRA_DPORT_RANGE, nl.FRA_UID_RANGE, nl.FRA_TUN_ID:
				r.narrow = true
			case fraL3MDev:
				r.l3mdev = true
			}
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b rule) int { return cmp.Compare(a.priority, b.priority) })
	return out, nil
}

const fraL3MDev = 19 // FRA_L3MDEV of linux/fib_rules.h

func prefix(addr []byte, bits uint8) netip.Prefix {
	a, _ := netip.AddrFromSlice(addr)
	return netip.PrefixFrom(a, int(bits))
}

// matches says whether a rule is for packets that come in on an interface. A
// zero address is one outside the fabric, which a rule for a prefix does not
// have.
func (r rule) matches(iif string, src, dst netip.Addr) bool {
	if r.narrow || r.l3mdev || r.oif != "" {
		return false
	}
	within := func(p netip.Prefix, a netip.Addr) bool {
		return !p.IsValid() || p.Bits() == 0 || a.IsValid() && p.Contains(a)
	}
	is := !r.marked && (r.iif == "" || r.iif == iif) && within(r.src, src) && within(r.dst, dst)
	return is != r.inverted
}

// String is as ip rule shows it.
func (r rule) String() string {
	parts := []string{fmt.Sprintf("%d:", r.priority)}
	if r.inverted {
		parts = append(parts, "not")
	}
	from, to := "all", ""
	if r.src.IsValid() {
		from = r.src.String()
	}
	if r.dst.IsValid() {
		to = " to " + r.dst.String()
	}
	parts = append(parts, "from "+from+to)
	if r.iif != "" {
		parts = append(parts, "iif "+r.iif)
	}
	if r.marked {
		parts = append(parts, "fwmark …")
	}
	switch r.action {
	case actionTable:
		parts = append(parts, fmt.Sprintf("lookup %d", r.table))
	default:
		parts = append(parts, refusals[r.action])
	}
	return strings.Join(parts, " ")
}

// Actions of a rule (FR_ACT_* of linux/fib_rules.h).
const actionTable = 1

var refusals = map[uint8]string{6: "blackhole", 7: "unreachable", 8: "prohibit"}
