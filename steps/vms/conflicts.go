package vms

import (
	"fmt"
	"net/netip"
	"slices"

	"ipfabric/steps/agent"
)

// leftBehind is about a VM that its node rightly does not announce: no
// reflector has a route to it by that node.
func (j judge) leftBehind(v VM, quiet string) []Finding {
	var all []Finding
	for _, rr := range j.RRs {
		for _, a := range v.Addrs() {
			if rr.Routes.From(a, v.Node) && !j.announcedThere(a, v) {
				all = append(all, Finding{RRs: []string{rr.RR.Name}, Code: RouteLeft, Status: Bad,
					Text: fmt.Sprintf("a route to %s by %s, though %s", a, v.Node, quiet),
					Hint: "where it comes from: " + j.showOnNode(v.Node, a)})
			}
		}
	}
	return all
}

// announcedThere says whether another VM on the same node is announced with an
// address of a VM: that has the route, and clash tells of it.
func (j judge) announcedThere(a netip.Addr, v VM) bool {
	return slices.ContainsFunc(j.byAddr[a], func(x VM) bool { return x.Node == v.Node && x.Name != v.Name && x.Announced })
}

// elsewhere is about a VM that is announced: who else has it, or announces one of
// its addresses.
func (j judge) elsewhere(v VM) []Finding {
	all := append(j.doubles(v), j.hijacks(v)...)
	if len(all) == 0 && v.Phase == PhaseMigrating && v.Source == SourceAPI {
		all = append(all, Finding{Code: MoveCutOff, Status: Warn, Text: "it is still preferred over other nodes, of which none announces it any more: a move was cut off",
			Hint: fmt.Sprintf("`ipfabric vm move %s --to %s` finishes it", v.Name, v.Node)})
	}
	return slices.Concat(all, j.copies(v), j.clash(v))
}

// doubles is about other nodes that announce the same VM.
func (j judge) doubles(v VM) []Finding {
	var all []Finding
	for _, x := range j.byName[v.Name] {
		if x.Node == v.Node || !x.Announced || !slices.ContainsFunc(x.Addrs(), func(a netip.Addr) bool { return slices.Contains(v.Addrs(), a) }) {
			continue
		}
		switch {
		case v.Phase == PhaseMigrating && !v.Carrier && x.Carrier:
			all = append(all, drawn(v, x))
		case x.Phase == PhaseMigrating && !x.Carrier && v.Carrier:
			all = append(all, drawn(x, v))
		case v.Phase == PhaseMigrating:
			all = append(all, moving(v, x.Node, v.Node))
		case x.Phase == PhaseMigrating:
			all = append(all, moving(v, v.Node, x.Node))
		default:
			hint := fmt.Sprintf("where is the guest? `ipfabric vm move %s --to NODE`, with that node, takes it from the other", v.Name)
			if v.Carrier != x.Carrier {
				guest := v.Node
				if x.Carrier {
					guest = x.Node
				}
				hint = fmt.Sprintf("the guest is on %s: `ipfabric vm move %s --to %s` takes the VM from the other node", guest, v.Name, guest)
			}
			if v.Source != SourceAPI || x.Source != SourceAPI {
				hint = fmt.Sprintf("where is the guest? On the other node: %s vm remove %s", agent.Path, v.Name)
			}
			all = append(all, Finding{Code: Doubled, Status: Bad, Text: x.Node + " announces it too: only one of the two can have it", Hint: hint})
		}
	}
	return all
}

// drawn is about a VM that a node draws to itself though its guest is on another.
// In a move a node announces the VM once it has the guest.
func drawn(to, guest VM) Finding {
	hint := fmt.Sprintf("`ipfabric vm move %s --to %s` takes it from %s", to.Name, guest.Node, to.Node)
	if to.Source != SourceAPI {
		hint = fmt.Sprintf("on %s: %s vm remove %s", to.Node, agent.Path, to.Name)
	}
	return Finding{Code: Doubled, Status: Bad, Hint: hint,
		Text: fmt.Sprintf("%s announces it too and is preferred, but its guest is on %s: packets for it are lost", to.Node, guest.Node)}
}

func moving(v VM, from, to string) Finding {
	hint := fmt.Sprintf("if no move is running, `ipfabric vm move %s --to %s` finishes it", v.Name, to)
	if v.Source != SourceAPI {
		hint = string(v.Source) + " moves it, and the agents follow: look again when it has ended"
	}
	return Finding{Code: Moving, Status: Warn, Text: fmt.Sprintf("it is moving from %s to %s: both announce it, and %s is preferred", from, to, to), Hint: hint}
}

// copies is about a node that has the same VM and does not announce it, as a move
// has it in its first part. It is told of the VM that is announced, or of all if
// none is. libvirt and LXD keep what they migrated as they like.
func (j judge) copies(v VM) []Finding {
	var all []Finding
	for _, x := range j.byName[v.Name] {
		if x.Node == v.Node || x.Phase == PhaseOff || x.FileError != "" || v.Source != SourceAPI || x.Source != SourceAPI {
			continue
		}
		if x.Announced {
			if !v.Announced {
				return nil // told there
			}
			continue
		}
		all = append(all, Finding{Code: MoveCutOff, Status: Warn, Text: "it is on " + x.Node + " too, which does not announce it",
			Hint: fmt.Sprintf("if no move is running, `ipfabric vm move %s --to %s` takes it from %s", v.Name, v.Node, x.Node)})
	}
	return all
}

// hijacks is about routes to a VM's addresses by routers that have no such VM.
// Nodes that were not asked may have one.
func (j judge) hijacks(v VM) []Finding {
	var all []Finding
	for _, a := range v.Addrs() {
		for _, rr := range j.RRs {
			for _, p := range rr.Routes[a] {
				there := j.nodes[p.Node]
				if there != nil && !there.Asked || slices.ContainsFunc(j.byAddr[a], func(x VM) bool { return x.Node == p.Node }) {
					continue
				}
				f := Finding{RRs: []string{rr.RR.Name}, Code: Hijacked, Status: Bad,
					Text: fmt.Sprintf("another route to %s by %s", a, j.noHolder(p.Node)), Hint: j.strayHint(p.Node, a)}
				if there != nil && there.Err != nil {
					f.Code, f.Status, f.Hint = HijackUnknown, NotChecked, ""
					f.Text = fmt.Sprintf("another route to %s by %s, and why is not known: %s", a, p.Node, j.silence(there))
				}
				all = append(all, f)
			}
		}
	}
	return all
}

// clash is about another VM with the same address. Of one that is off, both would
// announce it once it starts.
func (j judge) clash(v VM) []Finding {
	var all []Finding
	for _, a := range v.Addrs() {
		for _, x := range j.byAddr[a] {
			if x.Name == v.Name {
				continue
			}
			f := Finding{Code: AddressClash, Status: Warn, Text: fmt.Sprintf("%s is also the address of %s", a, x.Whose()), Hint: "give one of the two another address"}
			switch {
			case v.Phase == PhaseOff || x.Phase == PhaseOff:
				f.Hint += " before both run"
			case v.Announced && x.Announced:
				f.Status = Bad
			}
			all = append(all, f)
		}
	}
	return all
}

// noHolder says what is wrong with a next hop that no VM's route has.
func (j judge) noHolder(node string) string {
	if j.nodes[node] == nil {
		return node + ", which is no node of the inventory"
	}
	return node + ", where no VM has that address"
}
