package verify

import (
	"fmt"
	"net/netip"
	"slices"

	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/vms"
)

// leftBehind is about a VM that its node rightly does not announce: no
// reflector has a route to it by that node.
func (j vmJudge) leftBehind(v vms.VM, quiet string) []finding {
	var all []finding
	for _, rr := range j.rrs {
		for _, a := range v.Addrs() {
			if rr.Routes.From(a, v.Node) && !j.announcedThere(a, v) {
				all = append(all, finding{Bad, rr.host.Name, fmt.Sprintf("a route to %s by %s, though %s", a, v.Node, quiet),
					"where it comes from: " + j.showOnNode(v.Node, a)})
			}
		}
	}
	return all
}

// announcedThere says whether another VM on the same node is announced with an
// address of a VM: that has the route, and clash tells of it.
func (j vmJudge) announcedThere(a netip.Addr, v vms.VM) bool {
	return slices.ContainsFunc(j.byAddr[a], func(x vms.VM) bool { return x.Node == v.Node && x.Name != v.Name && x.Announced })
}

// elsewhere is about a VM that is announced by another node, too.
func (j vmJudge) elsewhere(v vms.VM) []finding {
	var all []finding
	others := j.others(v)
	for _, o := range others {
		all = append(all, j.twice(v, o))
	}
	if len(others) == 0 && v.Phase == vms.PhaseMigrating && v.Source == vms.SourceAPI {
		all = append(all, finding{Warn, "", "it is still preferred over other nodes, of which none announces it any more: a move was cut off",
			fmt.Sprintf("`ipfabric vm move %s --to %s` finishes it", v.Name, v.Node)})
	}
	return append(all, j.clash(v)...)
}

// An other is another node that announces an address of a VM.
type other struct {
	node string
	addr netip.Addr
	by   string // who says so
	vm   vms.VM // the same VM there; without a name if there is none
}

// others lists the other nodes that announce a VM, each once: those whose agents
// say so, and those that a reflector has a route by.
func (j vmJudge) others(v vms.VM) []other {
	var out []other
	add := func(o other) {
		if o.node != v.Node && !slices.ContainsFunc(out, func(have other) bool { return have.node == o.node }) {
			out = append(out, o)
		}
	}
	for _, x := range j.byName[v.Name] {
		for _, a := range x.Addrs() {
			if x.Announced && slices.Contains(v.Addrs(), a) {
				add(other{x.Node, a, x.Node, x})
			}
		}
	}
	for _, rr := range j.rrs {
		for _, a := range v.Addrs() {
			for _, p := range rr.Routes[a] {
				if !slices.ContainsFunc(j.byAddr[a], func(x vms.VM) bool { return x.Node == p.Node }) {
					add(other{node: p.Node, addr: a, by: rr.host.Name})
				}
			}
		}
	}
	return out
}

// twice says what it means that another node announces a VM as well.
func (j vmJudge) twice(v vms.VM, o other) finding {
	there, node := j.nodes[o.node], o.node
	switch {
	case o.vm.Name != "" && v.Phase == vms.PhaseMigrating:
		return moving(v, node, v.Node)
	case o.vm.Name != "" && o.vm.Phase == vms.PhaseMigrating:
		return moving(v, v.Node, node)
	case o.vm.Name != "":
		hint := fmt.Sprintf("where is the guest? `ipfabric vm move %s --to NODE`, with that node, takes it from the other", v.Name)
		if v.Source != vms.SourceAPI || o.vm.Source != vms.SourceAPI {
			hint = fmt.Sprintf("where is the guest? On the other node: %s vm remove %s", agent.Path, v.Name)
		}
		return finding{Bad, "", fmt.Sprintf("%s announces it too: only one of the two can have it", node), hint}
	case there != nil && there.vms.err != nil:
		return finding{NotChecked, o.by, fmt.Sprintf("another route to %s by %s, and why is not known: %s", o.addr, node, there.agentSilence()), ""}
	}
	return finding{Bad, o.by, fmt.Sprintf("another route to %s by %s", o.addr, j.nobody(node)), j.strayHint(node, o.addr)}
}

func moving(v vms.VM, from, to string) finding {
	hint := fmt.Sprintf("if nobody is moving it now, `ipfabric vm move %s --to %s` finishes it", v.Name, to)
	if v.Source != vms.SourceAPI {
		hint = string(v.Source) + " moves it, and the agents follow: look again when it has ended"
	}
	return finding{Warn, "", fmt.Sprintf("it is moving from %s to %s: both announce it, and %s is preferred", from, to, to), hint}
}

// taken is about a VM that is off, an address of which somebody else has: both
// would announce it once it starts.
func (j vmJudge) taken(v vms.VM) []finding {
	all := j.clash(v)
	for _, o := range j.others(v) {
		if o.vm.Name == "" { // with one it was migrated there
			all = append(all, j.twice(v, o))
		}
	}
	return all
}

// clash is about another VM with the same address.
func (j vmJudge) clash(v vms.VM) []finding {
	var all []finding
	for _, a := range v.Addrs() {
		for _, x := range j.byAddr[a] {
			if x.Name == v.Name {
				continue
			}
			f := finding{Warn, "", fmt.Sprintf("%s is also the address of %s", a, x.Whose()), "give one of the two another address"}
			switch {
			case v.Phase == vms.PhaseOff || x.Phase == vms.PhaseOff:
				f.hint += " before both run"
			case x.Announced:
				f.status = Bad
			}
			all = append(all, f)
		}
	}
	return all
}

// agentSilence says why a node's VMs are not known.
func (s *sight) agentSilence() string {
	if s.down {
		return s.blind
	}
	for _, c := range s.checks {
		if c.Name == checkAgent && c.Status == Bad {
			return c.Detail
		}
	}
	return "its agent does not list them: " + s.vms.err.Error()
}

// nobody says what is wrong with a next hop that no VM's route has.
func (j vmJudge) nobody(node string) string {
	if j.nodes[node] == nil {
		return node + ", which is no node of the inventory"
	}
	return node + ", where no VM has that address"
}

func (j vmJudge) showOnNode(node string, a netip.Addr) string {
	command := "ip route show "
	if a.Is6() {
		command = "ip -6 route show "
	}
	return j.f.SSHLine(j.nodes[node].host.Host, command+bgp.SinglePrefix(a).String())
}
