package verify

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// connector gives a host of the inventory.
type connector = vms.Connect

// States of a VMCheck beside those of `ipfabric vm list`.
const (
	stateStray   = "stray"   // a route that no agent wants
	stateUnknown = "unknown" // which VMs the node has is not known
)

// examineVMs judges the VMs. What looks wrong is looked at again after the pause,
// on the hosts that were reached.
func examineVMs(ctx context.Context, f *inventory.Fabric, connect connector, sights []*sight, pause time.Duration) []VMCheck {
	anew := func(ctx context.Context, name string) (step.Host, error) {
		h, err := connect(ctx, name)
		if err != nil {
			return nil, err
		}
		return run.Unshared(h), nil // the answers that are shared are the old ones
	}
	all := func(vms.Finding) bool { return true }
	return vmChecks(vms.Examine(ctx, observation(f, sights), pause, all, func(o vms.Observation) vms.Observation { return o.Again(ctx, anew) }))
}

// observation is what the hosts said of the VMs.
func observation(f *inventory.Fabric, sights []*sight) vms.Observation {
	o := vms.NewObservation(f)
	byName := sightsByName(sights)
	for i := range o.Nodes {
		s := byName[o.Nodes[i].Node.Name]
		o.Nodes[i] = s.node
		for _, c := range s.checks {
			if c.Name == checkFRR && c.Status == Bad {
				o.Nodes[i].FRR = c.Detail
			}
		}
	}
	for i := range o.RRs {
		o.RRs[i] = byName[o.RRs[i].RR.Name].view
	}
	return o
}

// vmChecks gives each VM one status, that of its worst finding, and adds the
// stray routes and the nodes whose VMs are not known. The order is the
// inventory's, then by name. How a node's agent and FRR are stands with the
// node's own checks.
func vmChecks(o vms.Observation, findings []vms.Finding) []VMCheck {
	ofVM, strays := map[[2]string][]vms.Finding{}, map[string][]VMCheck{} // by node
	unknown := map[string]vms.Finding{}
	var outside []VMCheck
	for _, f := range findings {
		switch {
		case f.VM != "":
			ofVM[[2]string{f.Node, f.VM}] = append(ofVM[[2]string{f.Node, f.VM}], f)
		case f.Code == vms.VMsUnknown:
			unknown[f.Node] = f
		case f.Code == vms.Stray:
			if !slices.ContainsFunc(o.Nodes, func(n vms.NodeFacts) bool { return n.Node.Name == f.Node }) {
				outside = append(outside, strayCheck(f))
				continue
			}
			strays[f.Node] = append(strays[f.Node], strayCheck(f))
		}
	}
	out := []VMCheck{}
	for i := range o.Nodes {
		n := &o.Nodes[i]
		name := n.Node.Name
		if f, is := unknown[name]; is {
			out = append(out, VMCheck{Node: name, State: stateUnknown, Status: f.Status, Detail: f.Text, Hint: f.Hint, Seen: []vms.Seen{}})
			continue
		}
		for _, v := range n.VMs {
			c := VMCheck{VM: v.Name, Node: name, IPv4: v.IPv4, IPv6: v.IPv6, State: n.State(v), Status: OK, Seen: o.Seen(v)}
			out = append(out, c.worst(ofVM[[2]string{name, v.Name}]))
		}
		out = append(out, strays[name]...)
	}
	return append(out, outside...)
}

// worst joins the findings that weigh most. One that is OK says why a VM is
// rightly not announced.
func (c VMCheck) worst(all []vms.Finding) VMCheck {
	for _, s := range []Status{Bad, NotChecked, Warn, OK} {
		var details []string
		for _, f := range all {
			if f.Status == s {
				details = append(details, f.Text)
				c.Hint = cmp.Or(c.Hint, f.Hint)
			}
		}
		if len(details) > 0 {
			c.Status, c.Detail = s, step.Some(details, "; ")
			return c
		}
	}
	return c
}

func strayCheck(f vms.Finding) VMCheck {
	c := VMCheck{Node: f.Node, State: stateStray, Status: f.Status, Detail: f.Text, Hint: f.Hint, Seen: []vms.Seen{}}
	c.setAddr(f.Addr)
	for _, rr := range f.RRs {
		c.Seen = append(c.Seen, vms.Seen{RR: rr, Status: vms.SeenYes})
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
