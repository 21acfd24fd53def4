package verify

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// States of a VMCheck beside those of VM.State.
const (
	stateStray   = "stray"   // a route that no agent wants
	stateUnknown = "unknown" // which VMs the node has is not known
)

// A vmJudge compares what the agents want with what the route reflectors have.
type vmJudge struct {
	f      *inventory.Fabric
	nodes  map[string]*sight
	rrs    []rrSight
	byAddr map[netip.Addr][]vms.VM
	byName map[string][]vms.VM
}

// An rrSight is a route reflector that was asked, and what it said.
type rrSight struct {
	vms.View
	*sight
}

// judgeVMs says of every VM of every node how it is, and lists the routes to
// the pools that are none of theirs. The order is the inventory's, then by name.
func judgeVMs(f *inventory.Fabric, sights []*sight) []VMCheck {
	j := vmJudge{f: f, nodes: map[string]*sight{}, byAddr: map[netip.Addr][]vms.VM{}, byName: map[string][]vms.VM{}}
	for _, s := range sights {
		switch {
		case s.host.Role == inventory.RoleNode:
			j.nodes[s.host.Name] = s
			for _, v := range s.vms.vms {
				j.byName[v.Name] = append(j.byName[v.Name], v)
				for _, a := range v.Addrs() {
					j.byAddr[a] = append(j.byAddr[a], v)
				}
			}
		case s.host.Role == inventory.RoleRouteReflector && s.asked:
			rr := inventory.RouteReflector{Host: s.host.Host, Managed: true}
			j.rrs = append(j.rrs, rrSight{vms.View{RR: rr, Routes: s.tables.Routes, Err: s.tables.Err}, s})
		}
	}
	out := []VMCheck{}
	strays := j.strays()
	for _, n := range f.Nodes {
		s := j.nodes[n.Name]
		if s.vms.err != nil {
			out = append(out, j.unknown(s, strays[n.Name]))
			continue
		}
		all := slices.Clone(s.vms.vms)
		slices.SortFunc(all, func(a, b vms.VM) int { return strings.Compare(a.Name, b.Name) })
		for _, v := range all {
			out = append(out, j.check(v))
		}
		out = append(out, j.strayChecks(strays[n.Name])...)
	}
	return append(out, j.strayChecks(strays[""])...)
}

// A finding is one thing about a VM that is not as it should be.
type finding struct {
	status Status
	rr     string // the route reflector that it is about: "rr1 and rr2" are put before what they have in common
	detail string
	hint   string
}

// sentence joins a finding with those of other reflectors that say the same.
func (f finding) sentence(all []finding) string {
	if f.rr == "" {
		return f.detail
	}
	var rrs []string
	for _, x := range all {
		if x.status == f.status && x.detail == f.detail {
			rrs = append(rrs, x.rr)
		}
	}
	return step.Have(rrs) + " " + f.detail
}

// check looks at one VM. Its status is that of the worst finding.
func (j vmJudge) check(v vms.VM) VMCheck {
	c := VMCheck{VM: v.Name, Node: v.Node, IPv4: v.IPv4, IPv6: v.IPv6, State: v.State(), Status: OK, Seen: []vms.Seen{}}
	for _, rr := range j.rrs {
		if s := rr.Seen(v); s.Status != "" {
			c.Seen = append(c.Seen, s)
		}
	}
	if j.nodes[v.Node].vms.drained && v.Routes == 0 && v.Problem == "" && v.Phase != vms.PhaseOff {
		c.State = "drained"
	}
	var all []finding
	switch here, quiet := j.onNode(v); {
	case quiet != "":
		c.Detail = quiet
		all = append(j.leftBehind(v, quiet), here...)
		if v.Phase == vms.PhaseOff {
			all = append(all, j.taken(v)...)
		}
	case v.Announced:
		all = append(append(here, j.onReflectors(v)...), j.elsewhere(v)...)
	default:
		all = here
	}
	return c.worst(all)
}

// worst joins the findings that weigh most.
func (c VMCheck) worst(all []finding) VMCheck {
	for _, s := range []Status{Bad, NotChecked, Warn} {
		var details []string
		for _, f := range all {
			text := f.sentence(all)
			if f.status != s || slices.Contains(details, text) {
				continue
			}
			details = append(details, text)
			c.Hint = cmp.Or(c.Hint, f.hint)
		}
		if len(details) > 0 {
			c.Status, c.Detail = s, step.Some(details, "; ")
			return c
		}
	}
	return c
}

// onNode is about the interface and the routes on the VM's node. Quiet says why
// a VM is rightly not announced.
func (j vmJudge) onNode(v vms.VM) (all []finding, quiet string) {
	node := j.nodes[v.Node]
	show := "more: " + j.f.SSHLine(node.host.Host, agent.Path+" vm show "+v.Name)
	bad := func(hint, format string, args ...any) []finding {
		return []finding{{Bad, "", fmt.Sprintf(format, args...), hint}}
	}
	switch want := len(v.Addrs()); {
	case v.Problem != "":
		return bad(show, "%s", v.Problem), ""
	case v.Phase == vms.PhaseWaiting || v.Phase == vms.PhaseWithdrawn || v.Phase == vms.PhaseOff:
		return nil, v.Hindrance()
	case node.vms.drained && v.Routes == 0:
		return nil, v.Node + " is drained"
	case !v.Present && v.Link == "existing":
		return []finding{{Warn, "", "its interface " + v.Interface + " is not there: is the guest off?",
			"the agent takes the interface up when the hypervisor makes it"}}, v.Hindrance()
	case !v.Present:
		return bad(show, "its interface %s is missing", v.Interface), ""
	case v.Routes < want:
		return bad(show, "%d of its %d routes are in the kernel of %s", v.Routes, want, v.Node), ""
	case !v.Announced:
		return bad(show, "the agent of %s does not announce it", v.Node), ""
	case !v.Carrier:
		return []finding{{Warn, "", "no guest is attached to " + v.Interface + ": nothing answers for it",
			"start the guest, or take the VM's route back: " + j.f.SSHLine(node.host.Host, agent.Path+" vm phase "+v.Name+" withdrawn")}}, ""
	}
	return nil, ""
}

// onReflectors is about a VM that is announced: each reflector has it, with all
// communities.
func (j vmJudge) onReflectors(v vms.VM) []finding {
	var all []finding
	for _, rr := range j.rrs {
		if rr.Err != nil {
			all = append(all, finding{NotChecked, "", "whether " + rr.host.Name + " has it is not known: " + rr.silence(), ""})
			continue
		}
		for _, a := range v.Addrs() {
			switch {
			case !rr.Carries(a):
			case !inventory.InPools(j.f.Pools, a):
				so := "so FRR does not announce it"
				if rr.Routes.From(a, v.Node) {
					so = "so FRR does not announce it any more after the next init"
				}
				all = append(all, finding{Bad, "", a.String() + " is in none of the fabric's pools, " + so,
					"add its network to the pools of the inventory, or give the VM another address"})
			case !rr.Routes.From(a, v.Node):
				if v.Carrier { // without one, it depends on the release of FRR
					all = append(all, j.missing(v, rr, a))
				}
			default:
				all = append(all, j.untagged(v, rr, a)...)
			}
		}
	}
	return all
}

// silence says why a reflector did not tell what it has.
func (rr rrSight) silence() string {
	if rr.blind != "" {
		return rr.blind
	}
	return rr.Err.Error()
}

func (j vmJudge) missing(v vms.VM, rr rrSight, a netip.Addr) finding {
	node := j.nodes[v.Node]
	hint := fmt.Sprintf("are the sessions of %s well? What its FRR has: %s", v.Node, j.f.SSHLine(node.host.Host, "vtysh -c '"+bgp.ShowRoute(a)+"'"))
	if node.failed(checkFRR) {
		hint = fmt.Sprintf("first %s: what is wrong with its FRR stands with its checks", v.Node)
	}
	return finding{Bad, rr.host.Name, fmt.Sprintf("no route to %s by %s", a, v.Node), hint}
}

func (j vmJudge) untagged(v vms.VM, rr rrSight, a netip.Addr) []finding {
	var all []finding
	for _, c := range j.f.Communities {
		if !rr.tables.Tagged[c].From(a, v.Node) {
			all = append(all, finding{Bad, rr.host.Name, fmt.Sprintf("the route to %s without the community %s: the core gateways drop it", a, c),
				fmt.Sprintf("`ipfabric plan --limit %s,%s` shows what is not as it should be in their FRR", v.Node, rr.host.Name)})
		}
	}
	return all
}
