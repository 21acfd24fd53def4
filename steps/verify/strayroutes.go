package verify

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// A stray is a route to an address of the pools, by a node none of whose VMs has
// the address.
type stray struct {
	node string // the next hop's address if it is no node's
	addr netip.Addr
	rrs  []string // who has it
}

// strays lists them by node, and by "" those whose next hop is no node. Those of
// a node whose VMs are not known are in it too.
func (j vmJudge) strays() map[string][]stray {
	type key struct {
		node string
		addr netip.Addr
	}
	found := map[key]*stray{}
	for _, rr := range j.rrs {
		for a, paths := range rr.Routes {
			if !inventory.InPools(j.f.Pools, a) {
				continue
			}
			for _, p := range paths {
				if slices.ContainsFunc(j.byAddr[a], func(v vms.VM) bool { return v.Node == p.Node }) {
					continue
				}
				k := key{p.Node, a}
				if found[k] == nil {
					found[k] = &stray{node: p.Node, addr: a}
				}
				if s := found[k]; !slices.Contains(s.rrs, rr.host.Name) {
					s.rrs = append(s.rrs, rr.host.Name)
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

func (j vmJudge) strayChecks(list []stray) []VMCheck {
	var out []VMCheck
	for _, s := range list {
		out = append(out, j.strayCheck(s))
	}
	return out
}

func (j vmJudge) strayCheck(s stray) VMCheck {
	c := VMCheck{
		Node: s.node, State: stateStray, Status: Bad, Seen: []vms.Seen{},
		Detail: fmt.Sprintf("%s a route to %s by %s", step.Have(s.rrs), s.addr, j.noHolder(s.node)),
		Hint:   j.strayHint(s.node, s.addr),
	}
	c.setAddr(s.addr)
	for _, rr := range s.rrs {
		c.Seen = append(c.Seen, vms.Seen{RR: rr, Status: vms.SeenYes})
	}
	// An agent leaves what it does not understand as it is: what looks like
	// nobody's may be a VM whose file is damaged.
	if n := j.nodes[s.node]; n != nil && !n.vms.healthy {
		c.Status = NotChecked
		c.Detail += ", and its agent has problems"
		c.Hint = fmt.Sprintf("first %s: what is wrong with its agent stands with its checks", s.node)
	}
	return c
}

func (c *VMCheck) setAddr(a netip.Addr) {
	if a.Is4() {
		c.IPv4 = a
		return
	}
	c.IPv6 = a
}

// strayHint says how to find out whose a route is. What somebody added by hand
// and what a router has that left the inventory look the same from here.
func (j vmJudge) strayHint(node string, a netip.Addr) string {
	if j.nodes[node] == nil {
		for _, s := range j.rrs {
			return "which neighbor it comes from: " + j.f.SSHLine(s.host.Host, "vtysh -c '"+bgp.ShowRoute(a)+"'")
		}
		return ""
	}
	return fmt.Sprintf("is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: %s", j.showOnNode(node, a))
}

// unknown stands for all VMs of a node whose agent does not list them.
func (j vmJudge) unknown(s *sight, prefixes []stray) VMCheck {
	c := VMCheck{
		Node: s.host.Name, State: stateUnknown, Status: NotChecked, Seen: []vms.Seen{},
		Detail: fmt.Sprintf("which VMs %s has is not known: %s", s.host.Name, s.agentSilence()),
	}
	if n := len(prefixes); n > 0 {
		c.Detail += fmt.Sprintf("; the route reflectors have %s by it", countRoutes(n))
	}
	return c
}

func countRoutes(n int) string {
	if n == 1 {
		return "1 route"
	}
	return fmt.Sprintf("%d routes", n)
}

// Concerns says whether a check is about a host: the VM's node, or a route
// reflector that does not see the VM as it should.
func (c VMCheck) Concerns(host string) bool {
	if c.Node == host {
		return true
	}
	for _, s := range c.Seen {
		if s.RR == host {
			return c.State == stateStray || s.Status != vms.SeenYes || c.Status == OK || c.Status == Warn
		}
	}
	return false
}
