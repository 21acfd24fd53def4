package vms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// MoveOptions say how a VM is moved.
type MoveOptions struct {
	Wait    time.Duration // for the guest to run on the new node
	SkipRRs []string      // reflectors that are not asked: they are out of order
}

// Moved is what a move did.
type Moved struct {
	VM      VM
	From    []string // nodes that it was removed from
	Already bool     // it was there, and nowhere else
}

// Move moves a VM to a node, make before break:
//
//  1. The new node makes the VM's interface ready, but does not announce it.
//  2. There is a guest at the other end of that interface. This is left out if
//     there is none on the old node either: nothing answers there anyway.
//  3. The new node announces the VM in the phase migrating, which FRR makes
//     LOCAL_PREF 200 of.
//  4. Every route reflector prefers the new node for each of its addresses. The
//     new node's kernel gives packets to the interface.
//  5. The old node removes it. What still reaches that node follows the route
//     that the reflectors have told it of.
//  6. No reflector has a route by the old node.
//  7. The new node's phase becomes live.
//
// At each point the VM is announced by one node or both, so that it can be cut
// off anywhere; doing it again goes on from what it finds. If 2 or 4 do not come
// true in time, the new node withdraws the VM again.
func (c *Control) Move(ctx context.Context, name, to string, o MoveOptions) (Moved, error) {
	var out Moved
	if err := c.checkMove(name, to, o); err != nil {
		return out, err
	}
	rrs := c.reflectors(o.SkipRRs)
	defer c.connectEarly(ctx, rrNames(rrs))()
	err := c.locked(ctx, func(s survey) error {
		m, err := c.planMove(s, name, to)
		if err != nil {
			return err
		}
		if m == nil {
			out.VM, out.Already = s.at(name, to), true
			return c.checkAlone(ctx, out.VM, rrs)
		}
		m.rrs, m.wait = rrs, o.Wait
		for _, v := range m.sources {
			out.From = append(out.From, v.Node)
		}
		if err := m.run(ctx); err != nil {
			return err
		}
		out.VM, err = c.askVM(context.WithoutCancel(ctx), to, name) // it is moved, interrupted or not
		return err
	})
	return out, err
}

// checkMove checks what can be checked without asking a host.
func (c *Control) checkMove(name, to string, o MoveOptions) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if _, err := nodeNamed(c.Fabric, to); err != nil {
		return err
	}
	for _, rr := range o.SkipRRs {
		h, ok := c.Fabric.Host(rr)
		if !ok || h.Role != inventory.RoleRouteReflector {
			return usage("name a route reflector", "--skip-rr: %q is no route reflector of the fabric", rr)
		}
	}
	return nil
}

// at returns the VM of that name on a node.
func (s survey) at(name, node string) VM {
	for _, v := range s.named(name) {
		if v.Node == node {
			return v
		}
	}
	return VM{}
}

// A move is one VM on its way.
type move struct {
	c       *Control
	vm      VM   // as it is to be on the new node
	target  VM   // as it is there; without a name: it is not there yet
	sources []VM // as it is elsewhere
	rrs     []inventory.RouteReflector
	wait    time.Duration
}

// planMove says what there is to move, nil if nothing is, and refuses what
// would not come out well.
func (c *Control) planMove(s survey, name, to string) (*move, error) {
	have := s.named(name)
	if len(have) == 0 {
		return nil, s.missing(name)
	}
	if v := have[0]; v.Phase == PhaseOff {
		return nil, refused(fmt.Sprintf("start it with %s, on whichever node it is to run: the agents follow by themselves", v.Source),
			"VM %s on %s belongs to %s, and is off", name, v.Node, v.Source)
	}
	if i := slices.IndexFunc(s.silent, func(x Silent) bool { return x.Host == to }); i >= 0 {
		return nil, silentError(s.silent[i:i+1], "VM %s was not moved: %s is where it is to go", name, to)
	}
	m := &move{c: c, target: s.at(name, to)}
	for _, v := range have {
		if v.Node != to {
			m.sources = append(m.sources, v)
		}
	}
	m.vm = m.target
	if len(m.sources) > 0 {
		m.vm = m.sources[0]
	}
	if len(m.sources) == 0 && m.target.Phase != PhaseMigrating && m.target.Phase != PhaseWaiting {
		return nil, nil
	}
	if err := m.refuse(to); err != nil {
		return nil, err
	}
	m.vm.Node, m.vm.Phase = to, PhaseMigrating
	if err := c.room(s, m.vm); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *move) refuse(to string) error {
	name := m.vm.Name
	all := slices.Clone(m.sources)
	if m.target.Name != "" {
		all = append(all, m.target)
	}
	for _, v := range all {
		switch {
		case v.FileError != "":
			return refused(fmt.Sprintf("`ipfabric vm add %s --node %s`, with the addresses that it had, makes the file anew", name, v.Node),
				"VM %s on %s: %s", name, v.Node, v.Problem)
		case v.Source != SourceAPI:
			return refused(fmt.Sprintf("move it with %s: the agents follow by themselves", v.Source),
				"VM %s on %s belongs to %s", name, v.Node, v.Source)
		case v.IPv4 != m.vm.IPv4 || v.IPv6 != m.vm.IPv6:
			return refused("remove the one that is wrong on its node: ipfabric-agent vm remove "+name,
				"there are two different VMs %s: with %s on %s, with %s on %s",
				name, addrList(m.vm.Addrs()), m.vm.Node, addrList(v.Addrs()), v.Node)
		case v.Phase == PhaseWaiting && v.Carrier: // without a guest, a power cut has ended a move
			return refused("wait until it has arrived; if it never will: ipfabric-agent vm remove "+name+", on "+v.Node,
				"VM %s is arriving on %s by live migration", name, v.Node)
		case v.Phase == PhaseWithdrawn && m.target.Name == "":
			return refused(fmt.Sprintf("announce it first: ipfabric-agent vm phase %s live, on %s", name, v.Node),
				"VM %s is withdrawn on %s", name, v.Node)
		}
	}
	if len(m.sources) > 1 && m.target.Name == "" {
		nodes := nodesOf(m.sources)
		return refused(fmt.Sprintf("finish that first: `ipfabric vm move %s --to %s`, or --to %s", name, nodes[0], nodes[1]),
			"VM %s is being moved between %s", name, step.AndList(nodes))
	}
	return m.unfit(to)
}

// unfit says why the new node cannot have the VM.
func (m *move) unfit(to string) error {
	node, err := nodeNamed(m.c.Fabric, to)
	if err != nil {
		return err
	}
	if len(m.sources) == 0 {
		return nil
	}
	from, err := nodeNamed(m.c.Fabric, m.sources[0].Node)
	if err == nil && from.Virtualization != node.Virtualization {
		return refused("take a node of the same kind", "%s is for %s, and %s, where VM %s is, for %s",
			to, node.Virtualization, from.Name, m.vm.Name, from.Virtualization)
	}
	return nil
}
