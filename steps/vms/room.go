package vms

import (
	"fmt"
	"net/netip"
	"slices"

	"ipfabric/inventory"
)

// room refuses a VM that is one too many on a node: route reflectors close the
// node's sessions if it announces more addresses of a family than max_prefixes,
// and all of its VMs are unreachable then. The node's agent counts too, but knows
// the limit of the last init only, and older agents do not count.
func (c *Control) room(s survey, v VM) error {
	limit := c.Fabric.BGP.MaxPrefixes
	for _, f := range []struct {
		name string
		is   func(netip.Addr) bool
	}{{"IPv4", netip.Addr.Is4}, {"IPv6", netip.Addr.Is6}} {
		has := func(x VM) bool {
			return slices.ContainsFunc(x.Addrs(), func(a netip.Addr) bool { return f.is(a) && inventory.InPools(c.Fabric.Pools, a) })
		}
		if !has(v) {
			continue
		}
		n := 0
		for _, x := range s.vms {
			if x.Node == v.Node && x.Name != v.Name && x.Phase != PhaseOff && x.Phase != PhaseWithdrawn && has(x) {
				n++
			}
		}
		if n >= limit {
			return refused(fmt.Sprintf("take another node; or write a larger number for max_prefixes below bgp: in the inventory (it is %d), and `ipfabric init`", limit),
				"%s has %d VMs with an %s address, and the route reflectors accept no more from one node", v.Node, n, f.name)
		}
	}
	return nil
}
