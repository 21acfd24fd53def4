package vms

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// A Connect returns a host of the inventory. Its error names the host.
type Connect = func(ctx context.Context, host string) (step.Host, error)

// SettleTime is what lies between two looks at the VMs, see Examine. A VM that is
// added is on all reflectors in a fraction of it.
const SettleTime = time.Second

// An Observation is what the agents of the nodes and the managed route reflectors
// said of the VMs at about the same time. Judge says what it means.
type Observation struct {
	Fabric *inventory.Fabric
	Nodes  []NodeFacts // all of the fabric's, in the inventory's order
	RRs    []View
}

// NodeFacts is what the agent of one node said.
type NodeFacts struct {
	Node      inventory.Node
	Asked     bool  // false: nothing is known of its VMs
	Down      error // the node itself gave no answer
	Status    agent.Status
	StatusErr error
	VMs       []VM  // by name
	Err       error // why they are not known
	// FRR is what is wrong with the node's FRR if the caller has looked at it:
	// "bgpd does not run". The agent's status may tell too.
	FRR string
}

// NewObservation is one in which nobody has answered yet, to be filled in by
// Again. Of the nodes only these are asked, all if none is named.
func NewObservation(f *inventory.Fabric, nodes ...string) Observation {
	o := Observation{Fabric: f}
	for _, n := range f.Nodes {
		o.Nodes = append(o.Nodes, NodeFacts{Node: n, Asked: len(nodes) == 0 || slices.Contains(nodes, n.Name)})
	}
	for _, rr := range f.RouteReflectors {
		if rr.Managed {
			o.RRs = append(o.RRs, View{RR: rr})
		}
	}
	return o
}

// AskNode asks a node's agent for its status and its VMs.
func AskNode(ctx context.Context, r step.Reader, n inventory.Node) NodeFacts {
	facts := NodeFacts{Node: n, Asked: true}
	client := agent.NewClient(r)
	var status sync.WaitGroup
	status.Add(1)
	go func() {
		defer status.Done()
		facts.Status, facts.StatusErr = client.Status(ctx)
	}()
	list, err := client.List(ctx)
	status.Wait()
	facts.VMs, facts.Err = on(n.Name, list...), err
	slices.SortFunc(facts.VMs, func(a, b VM) int { return strings.Compare(a.Name, b.Name) })
	return facts
}

// Unreached are the facts of a node that gave no answer at all.
func Unreached(n inventory.Node, err error) NodeFacts {
	return NodeFacts{Node: n, Asked: true, Down: err, StatusErr: err, Err: err}
}

// AskReflector asks a route reflector for its neighbors and its routes.
func AskReflector(ctx context.Context, r step.Reader, f *inventory.Fabric, rr inventory.RouteReflector) (bgp.Peers, View, error) {
	peers, tables, err := bgp.AskReflector(ctx, r, f, rr.Host)
	v := View{RR: rr, Tables: tables}
	if peers == nil {
		v.Blind = "bgpd on " + rr.Name + " gives no answer"
	}
	return peers, v, err
}

// UnreachedReflector is the view of a reflector that gave no answer at all.
func UnreachedReflector(rr inventory.RouteReflector, err error) View {
	return View{RR: rr, Down: err, Tables: bgp.Tables{Err: err}, Blind: rr.Name + " cannot be reached"}
}

// Again asks all hosts of an Observation once more, at the same time, but those
// that are known to be down.
func (o Observation) Again(ctx context.Context, connect Connect) Observation {
	return o.again(ctx, connect, func(_ context.Context, ask func() error) { _ = ask() })
}

// again calls ask for each agent by means of patiently, which may call it more
// than once.
func (o Observation) again(parent context.Context, connect Connect, patiently func(ctx context.Context, ask func() error)) Observation {
	ctx, cancel := context.WithTimeout(parent, Timeout)
	defer cancel()
	o.Nodes, o.RRs = slices.Clone(o.Nodes), slices.Clone(o.RRs)
	var all sync.WaitGroup
	for i := range o.Nodes {
		n := &o.Nodes[i]
		if !n.Asked || n.Down != nil {
			continue
		}
		all.Add(1)
		go func() {
			defer all.Done()
			frr := n.FRR
			h, err := connect(ctx, n.Node.Name)
			if err != nil {
				*n = Unreached(n.Node, err)
			} else {
				patiently(ctx, func() error { *n = AskNode(ctx, h, n.Node); return n.Err })
			}
			n.FRR = frr
		}()
	}
	for i := range o.RRs {
		v := &o.RRs[i]
		if v.Down != nil {
			continue
		}
		all.Add(1)
		go func() {
			defer all.Done()
			h, err := connect(ctx, v.RR.Name)
			if err != nil {
				*v = UnreachedReflector(v.RR, err)
				return
			}
			_, *v, _ = AskReflector(ctx, run.NewCache(h), o.Fabric, v.RR)
		}()
	}
	all.Wait()
	return o
}

// Examine judges an Observation. VMs come and go while they are looked at, so
// what the agents say and what the reflectors say may differ without anything
// being wrong. If a VM or a route that matters looks wrong, it calls again after the
// pause: only what is wrong both times has failed.
func Examine(ctx context.Context, o Observation, pause time.Duration, matters func(Finding) bool, again func(Observation) Observation) (Observation, []Finding) {
	first := Judge(o)
	if !slices.ContainsFunc(first, func(f Finding) bool { return f.Status == Bad && (f.VM != "" || f.Code == Stray) && matters(f) }) {
		return o, first
	}
	if step.Pause(ctx, pause) != nil {
		return o, first
	}
	second := again(o)
	if ctx.Err() != nil {
		return o, first
	}
	return second, Confirmed(first, Judge(second))
}

// healthy says whether the agent says that it is.
func (n *NodeFacts) healthy() bool { return n.StatusErr == nil && n.Status.Healthy }

// State says how a VM is on this node, as VM.State does. The node may know more
// of it: whether it is drained.
func (n *NodeFacts) State(v VM) string {
	switch drained := n.Status.Drained; {
	case drained && v.Routes == 0 && v.Problem == "" && v.Phase != PhaseOff:
		return stateDrained
	case v.Unannounced != "" && v.State() == stateHeldBack:
		return stateHeldBack
	case v.State() == stateDrained && n.StatusErr == nil && !drained:
		return stateProblem // its routes are missing for another reason
	}
	return v.State()
}

// Seen says how each reflector that carries a VM's addresses sees it.
func (o Observation) Seen(v VM) []Seen {
	out := []Seen{}
	for _, rr := range o.RRs {
		if s := rr.Seen(v); s.Status != "" {
			out = append(out, s)
		}
	}
	return out
}
