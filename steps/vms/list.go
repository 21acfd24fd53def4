package vms

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"ipfabric/steps/step"
)

// A List is what the nodes' agents and the route reflectors say of the VMs.
type List struct {
	VMs    []Listed
	Silent []Silent // nodes and reflectors that gave no answer
}

// A Listed is a VM and how the route reflectors see it.
type Listed struct {
	VM
	Seen     []Seen   `json:"seen"`
	Problems []string `json:"problems"` // what an operator should look at
}

// List asks these nodes, all if none is named, and the route reflectors.
func (c *Control) List(ctx context.Context, nodes ...string) List {
	if len(nodes) == 0 {
		nodes = c.nodes()
	}
	s := c.survey(ctx, nodes)
	seen, views := c.seenBy(ctx, s.vms)
	l := List{Silent: append(s.silent, silentViews(views)...)}
	clash, stolen, quiet := clashes(s.vms), c.hijacks(s.vms, views, without(nodes, s.silent)), c.unannounced(ctx, s.vms, seen)
	copies := map[string]int{}
	for _, v := range s.vms {
		if v.Phase != PhaseOff {
			copies[v.Name]++
		}
	}
	for i, v := range s.vms {
		if v.Phase == PhaseOff {
			seen[i] = []Seen{} // no router may have a route to it
		}
		problems := problemsOf(v, seen[i], copies[v.Name] > 1, quiet[v.Node])
		l.VMs = append(l.VMs, Listed{VM: v, Seen: seen[i], Problems: append(append(problems, stolen[i]...), clash[i]...)})
	}
	return l
}

// Names are the names of all VMs, each once, as far as the nodes answer.
func (c *Control) Names(ctx context.Context) []string {
	var out []string
	for _, v := range c.survey(ctx, c.nodes()).vms {
		out = append(out, v.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Find asks all nodes for a VM. There are more than one of that name only
// while it is being moved.
func (c *Control) Find(ctx context.Context, name string) (List, error) {
	if err := CheckName(name); err != nil {
		return List{}, err
	}
	l := c.List(ctx)
	found := List{Silent: l.Silent}
	var s survey
	for _, v := range l.VMs {
		s.vms = append(s.vms, v.VM)
		if v.Name == name {
			found.VMs = append(found.VMs, v)
		}
	}
	if len(found.VMs) > 0 {
		return found, nil
	}
	for _, x := range l.Silent {
		if slices.Contains(c.nodes(), x.Host) {
			s.silent = append(s.silent, x)
		}
	}
	return found, s.missing(name)
}

// problemsOf says what is not right about a VM. One whose guest is off, or that
// somebody withdrew, is as it should be; of two nodes that have it, only one is
// preferred. quiet says why FRR on its node announces nothing, "" if it may.
func problemsOf(v VM, seen []Seen, moving bool, quiet string) []string {
	out := []string{}
	if v.Problem != "" {
		out = append(out, v.Problem)
	}
	if !v.Announced {
		return out
	}
	if quiet != "" {
		out = append(out, v.Node+" does not announce it: "+quiet)
	}
	for _, s := range seen {
		switch s.Status {
		case SeenNo:
			if quiet == "" && v.GuestMissing() == "" { // FRR 10 announces it once it has a guest
				out = append(out, s.RR+" has no route to it, though "+v.Node+" announces it")
			}
		case SeenPartly:
			out = append(out, s.RR+" has a route to only one of its addresses")
		case SeenOther:
			if !moving {
				out = append(out, s.RR+" prefers another node for it")
			}
		}
	}
	return out
}

// hijacks says for each VM who else announces one of its addresses, though no
// VM there has it. Of the nodes only those that were asked are judged.
func (c *Control) hijacks(vms []VM, views []View, asked []string) [][]string {
	type place struct {
		addr netip.Addr
		node string
	}
	holders := map[place]bool{}
	for _, v := range vms {
		for _, a := range v.Addrs() {
			holders[place{a, v.Node}] = true
		}
	}
	out := make([][]string, len(vms))
	for i, v := range vms {
		for _, a := range v.Addrs() {
			var others []string
			rrs := map[string][]string{}
			for _, w := range views {
				for _, p := range w.Routes[a] {
					_, known := c.Fabric.Host(p.Node)
					if holders[place{a, p.Node}] || known && !slices.Contains(asked, p.Node) || slices.Contains(rrs[p.Node], w.RR.Name) {
						continue
					}
					if len(rrs[p.Node]) == 0 {
						others = append(others, p.Node)
					}
					rrs[p.Node] = append(rrs[p.Node], w.RR.Name)
				}
			}
			for _, node := range others {
				where := "where no VM has that address"
				if _, known := c.Fabric.Host(node); !known {
					where = "which is no node of the inventory"
				}
				out[i] = append(out[i], fmt.Sprintf("%s another route to %s by %s, %s", step.Have(rrs[node]), a, node, where))
			}
		}
	}
	return out
}

// clashes says for each VM what another has too. The same VM on two nodes is
// being moved, or the move was cut off; but for one that is off, which libvirt
// keeps of what it migrated.
func clashes(vms []VM) [][]string {
	holders := map[netip.Addr][]int{}
	byName := map[string][]int{}
	for i, v := range vms {
		byName[v.Name] = append(byName[v.Name], i)
		for _, a := range v.Addrs() {
			holders[a] = append(holders[a], i)
		}
	}
	out := make([][]string, len(vms))
	for i, v := range vms {
		for _, j := range byName[v.Name] {
			if j != i && v.Phase != PhaseOff && vms[j].Phase != PhaseOff {
				out[i] = append(out[i], fmt.Sprintf("it is on %s too: `ipfabric vm move %s --to NODE` finishes a move that was cut off", vms[j].Node, v.Name))
			}
		}
		for _, a := range v.Addrs() {
			for _, j := range holders[a] {
				if vms[j].Name != v.Name {
					out[i] = append(out[i], fmt.Sprintf("%s is also the address of %s", a, vms[j].Whose()))
				}
			}
		}
	}
	return out
}
