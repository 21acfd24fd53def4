package vms

import (
	"context"
	"net/netip"
	"slices"
)

// A List is what is known of the VMs, and what is not as it should be.
type List struct {
	VMs []Listed
	// Findings are about nodes, and about routes that are no VM's.
	Findings []Finding
	Silent   []Silent // nodes and reflectors that gave no answer
}

// A Listed is a VM and what was found out about it.
type Listed struct {
	VM
	State    string    `json:"state"` // as NodeFacts.State has it
	Seen     []Seen    `json:"seen"`
	Problems []string  `json:"problems"` // what an operator should look at, also of its node
	Findings []Finding `json:"findings"` // the VM's own
}

// Observe asks these nodes, all if none is named, and the route reflectors. An
// agent that is just being restarted is waited for.
func (c *Control) Observe(ctx context.Context, nodes ...string) Observation {
	return c.observe(ctx, NewObservation(c.Fabric, nodes...))
}

func (c *Control) observe(ctx context.Context, o Observation) Observation {
	return o.again(ctx, c.Connect, func(ctx context.Context, ask func() error) { _ = c.whileAway(ctx, ask) })
}

// List observes and judges the VMs of these nodes, of all if none is named.
func (c *Control) List(ctx context.Context, nodes ...string) List {
	return c.list(ctx, func(f Finding) bool { return len(nodes) == 0 || slices.Contains(nodes, f.Node) }, nodes...)
}

// list leaves out findings that do not matter.
func (c *Control) list(ctx context.Context, matters func(Finding) bool, nodes ...string) List {
	o, findings := Examine(ctx, c.Observe(ctx, nodes...), c.limit()/10, matters, func(o Observation) Observation { return c.observe(ctx, o) })
	of := map[[2]string][]Finding{} // by node and VM
	l := List{Silent: c.silent(o)}
	for _, f := range findings {
		switch {
		case !matters(f):
		case f.VM != "":
			of[[2]string{f.Node, f.VM}] = append(of[[2]string{f.Node, f.VM}], f)
		case f.Code != VMsUnknown: // that is for Silent to say
			l.Findings = append(l.Findings, f)
		}
	}
	for i := range o.Nodes {
		n := &o.Nodes[i]
		for _, v := range n.VMs {
			x := Listed{VM: v, State: n.State(v), Seen: o.Seen(v), Problems: []string{}, Findings: []Finding{}}
			if v.Phase == PhaseOff {
				x.Seen = []Seen{} // no router may have a route to it
			}
			x.Findings = append(x.Findings, of[[2]string{v.Node, v.Name}]...)
			for _, f := range x.Findings {
				if f.notable() {
					x.Problems = append(x.Problems, f.Text)
				}
			}
			for _, f := range l.Findings {
				if f.Node == v.Node && f.Code != Stray && v.Phase != PhaseOff {
					x.Problems = append(x.Problems, v.Node+": "+f.Text)
				}
			}
			l.VMs = append(l.VMs, x)
		}
	}
	return l
}

// notable says whether a finding is more than what a list has in its columns.
func (f Finding) notable() bool {
	return f.IsProblem() && f.Code != NoGuest && (f.Code != NoInterface || f.Status == Bad)
}

// Notable are the findings that the list of VMs does not show in its columns: of
// each VM, then those of nodes, then stray routes to addresses that no listed VM
// has.
func (l List) Notable() []Finding {
	var out []Finding
	told := map[netip.Addr]bool{}
	for _, v := range l.VMs {
		for _, f := range v.Findings {
			if f.notable() {
				out = append(out, f)
			}
			if f.Code == Hijacked {
				for _, a := range v.Addrs() {
					told[a] = true
				}
			}
		}
	}
	for _, f := range l.Findings {
		if f.IsProblem() && !told[f.Addr] {
			out = append(out, f)
		}
	}
	return out
}

// silent are the hosts that gave no answer, with what to look at there.
func (c *Control) silent(o Observation) []Silent {
	var out []Silent
	for _, n := range o.Nodes {
		switch name := n.Node.Name; {
		case n.Down != nil:
			out = append(out, Silent{name, n.Down})
		case n.Err != nil:
			out = append(out, Silent{name, c.agentError(name, n.Err)})
		}
	}
	for _, v := range o.RRs {
		switch name := v.RR.Name; {
		case v.Down != nil:
			out = append(out, Silent{name, v.Down})
		case v.Err != nil:
			out = append(out, Silent{name, c.routesError(name, v.Err)})
		}
	}
	return out
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
	l := c.list(ctx, func(f Finding) bool { return f.VM == name || f.VM == "" && f.Code != Stray })
	found := List{Silent: l.Silent}
	var s survey
	for _, v := range l.VMs {
		s.vms = append(s.vms, v.VM)
		if v.Name == name {
			found.VMs = append(found.VMs, v)
		}
	}
	found.Findings = slices.DeleteFunc(l.Findings, func(f Finding) bool {
		return !slices.ContainsFunc(found.VMs, func(v Listed) bool { return v.Node == f.Node })
	})
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
