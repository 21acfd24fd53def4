package vms

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
)

// A stray is a route to an address of the pools, by a node none of whose VMs has
// the address.
type stray struct {
	node string // the next hop's address if it is no node's
	addr netip.Addr
	rrs  []string // who has it
}

// strays lists them by node, and by "" those whose next hop is no node. Those of
// a node whose VMs are not known are in it too, but not those of one that was not
// asked.
func (j judge) strays() map[string][]stray {
	type key struct {
		node string
		addr netip.Addr
	}
	found := map[key]*stray{}
	for _, rr := range j.RRs {
		for a, paths := range rr.Routes {
			if !inventory.InPools(j.Fabric.Pools, a) {
				continue
			}
			for _, p := range paths {
				if n := j.nodes[p.Node]; n != nil && !n.Asked || slices.ContainsFunc(j.byAddr[a], func(v VM) bool { return v.Node == p.Node }) {
					continue
				}
				k := key{p.Node, a}
				if found[k] == nil {
					found[k] = &stray{node: p.Node, addr: a}
				}
				if s := found[k]; !slices.Contains(s.rrs, rr.RR.Name) {
					s.rrs = append(s.rrs, rr.RR.Name)
				}
			}
		}
	}
	out := map[string][]stray{}
	for k, s := range found {
		of := k.node
		if j.nodes[of] == nil {
			of = ""
		}
		out[of] = append(out[of], *s)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b stray) int {
			return cmp.Or(a.addr.Compare(b.addr), strings.Compare(a.node, b.node))
		})
	}
	return out
}

func (j judge) strayFindings(list []stray) []Finding {
	var out []Finding
	for _, s := range list {
		out = append(out, j.strayFinding(s))
	}
	return out
}

func (j judge) strayFinding(s stray) Finding {
	f := Finding{
		Node: s.node, Addr: s.addr, RRs: s.rrs, Code: Stray, Status: Bad,
		Text: fmt.Sprintf("%s a route to %s by %s", step.Have(s.rrs), s.addr, j.noHolder(s.node)),
		Hint: j.strayHint(s.node, s.addr),
	}
	// An agent leaves what it does not understand as it is: a route without a
	// VM may be that of a VM whose file is damaged.
	if n := j.nodes[s.node]; n != nil && !n.healthy() {
		f.Status = NotChecked
		f.Text += ", and its agent has problems"
		f.Hint = "first the agent there: " + j.sshLine(n, agent.Path+" status")
	}
	return f
}

// strayHint says how to find out whose a route is. A route that was added by hand
// and that of a router which has left the inventory look the same from here.
func (j judge) strayHint(node string, a netip.Addr) string {
	if j.nodes[node] != nil {
		return fmt.Sprintf("is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: %s", j.showOnNode(node, a))
	}
	if len(j.RRs) == 0 {
		return ""
	}
	return "which neighbor it comes from: " + j.Fabric.SSHLine(j.RRs[0].RR.Host, "vtysh -c '"+bgp.ShowRoute(a)+"'")
}

func (j judge) showOnNode(node string, a netip.Addr) string {
	command := "ip route show "
	if a.Is6() {
		command = "ip -6 route show "
	}
	return j.sshLine(j.nodes[node], command+bgp.SinglePrefix(a).String())
}

// unknown stands for all VMs of a node whose agent does not list them.
func (j judge) unknown(n *NodeFacts, strays []stray) Finding {
	f := Finding{Node: n.Node.Name, Code: VMsUnknown, Status: NotChecked,
		Text: fmt.Sprintf("which VMs %s has is not known: %s", n.Node.Name, j.silence(n))}
	switch len(strays) {
	case 0:
	case 1:
		f.Text += "; the route reflectors have 1 route by it"
	default:
		f.Text += fmt.Sprintf("; the route reflectors have %d routes by it", len(strays))
	}
	return f
}
