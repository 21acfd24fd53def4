package vms

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// run carries the move out. Its order is what keeps the VM announced.
func (m *move) run(ctx context.Context) error {
	c := m.c
	views := m.look(ctx)
	if err := m.askable(views); err != nil {
		return err
	}
	if c.stopped() {
		return &Error{Msg: fmt.Sprintf("VM %s was not moved", m.vm.Name), Err: ErrInterrupted, Next: "run the same command again"}
	}
	idle := m.idle(views)
	if err := m.begin(ctx); err != nil {
		return err
	}
	if idle && m.target.Name == "" {
		c.note("VM ", m.vm.Name, " was announced by no node: there is nothing to wait for")
	}
	if !idle && len(m.sources) > 0 {
		if err := m.awaitPreferred(ctx); err != nil {
			return err
		}
	}
	return m.finish(ctx)
}

// finishLimit is how long the last part of a move may go on after its context
// was cancelled. It is longer than restartLimit.
const finishLimit = 5 * time.Second

// finish takes the VM from the old nodes, which are no longer needed. This takes
// less than a second, so Ctrl-C does not cut it off: an agent that restarts just
// then is waited for, and the move is not left half done. After a second Ctrl-C
// it has finishLimit.
func (m *move) finish(ctx context.Context) error {
	if ctx.Err() != nil {
		return m.cutOff(context.Cause(ctx), "it may be announced by both")
	}
	ctx, cancel := outlive(ctx, finishLimit)
	defer cancel()
	whole := *m.c
	whole.Stop = nil
	for _, v := range m.sources {
		if err := whole.handOver(ctx, v); err != nil {
			return m.cutOff(err, "it is announced by both, and "+m.vm.Node+" is preferred")
		}
		whole.note(v.Node, ": removed")
	}
	if err := m.awaitAlone(ctx, &whole); err != nil {
		return err
	}
	if err := whole.setPhase(ctx, m.vm, PhaseLive); err != nil {
		return m.cutOff(err, "it is announced by "+m.vm.Node+" alone")
	}
	return nil
}

// outlive returns a context that is cancelled that much later than ctx.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		time.AfterFunc(by, func() { cancel(context.Cause(ctx)) })
	})
	return longer, func() { stop(); cancel(nil) }
}

// look asks the reflectors about the VM.
func (m *move) look(ctx context.Context) []View { return m.c.views(ctx, m.rrs, m.vm.Addrs()) }

// askable makes sure that for each address there is a reflector that can be
// asked, and that all that are to be asked give an answer.
func (m *move) askable(views []View) error {
	if silent := silentViews(views); len(silent) > 0 {
		names := silentNames(silent)
		return &Error{Kind: Unanswered, Silent: silent,
			Msg:  fmt.Sprintf("VM %s was not moved: whether %s would prefer %s cannot be asked", m.vm.Name, step.AndList(names), m.vm.Node),
			Next: "if it is out of order for long, leave it out with --skip-rr " + names[0]}
	}
	for _, a := range m.vm.Addrs() {
		if !slices.ContainsFunc(views, func(w View) bool { return w.Carries(a) }) {
			return refused("change the agents one by one: see ipfabric-agent vm phase --help on the nodes",
				"VM %s was not moved: no route reflector that ipfabric manages can be asked about %s", m.vm.Name, a)
		}
	}
	return nil
}

// idle says whether the old node does not announce the VM, so that nothing can
// break.
func (m *move) idle(views []View) bool {
	if len(m.sources) == 0 {
		return false
	}
	for _, v := range m.sources {
		if v.Announced {
			return false
		}
	}
	return elsewhere(m.vm, views) == ""
}

// begin makes the new node announce the VM, preferred over the others, once it
// has a guest there.
func (m *move) begin(ctx context.Context) error {
	guest := slices.ContainsFunc(m.sources, func(v VM) bool { return v.Carrier })
	if guest && !m.target.Carrier {
		if err := m.prepare(ctx); err != nil {
			return err
		}
		if err := m.awaitGuest(ctx); err != nil {
			return err
		}
	}
	if err := m.announce(ctx); err != nil {
		return m.cutOff(err, "it may be announced by both")
	}
	for _, v := range m.sources {
		// One that came by a move itself would be preferred as well.
		if v.Phase != PhaseMigrating {
			continue
		}
		if err := m.c.setPhase(ctx, v, PhaseLive); err != nil {
			return m.cutOff(err, "it is announced by both")
		}
	}
	return nil
}

// prepare makes the VM's interface ready on the new node. Where a move before
// this one has come further, its guest has gone since: what arrives is to go to
// the old node's again.
func (m *move) prepare(ctx context.Context) error {
	v := m.vm
	v.Phase = PhaseWithdrawn
	switch m.target.Phase {
	case PhaseWithdrawn:
		return nil
	case "":
		if err := m.c.addVM(ctx, v); err != nil {
			return m.cutOff(err, "it is announced by "+m.from())
		}
		m.target = v
		return nil
	}
	if !slices.ContainsFunc(m.sources, func(v VM) bool { return v.Announced }) {
		return nil
	}
	if err := m.c.setPhase(ctx, m.vm, PhaseWithdrawn); err != nil {
		return m.cutOff(err, "it may be announced by both")
	}
	m.target.Phase = PhaseWithdrawn
	return nil
}

// announce makes the new node announce the VM, preferred over others.
func (m *move) announce(ctx context.Context) error {
	switch m.target.Phase {
	case PhaseMigrating:
		m.c.note(m.vm.Node, " announces it already: going on from there")
		return nil
	case "":
		return m.c.addVM(ctx, m.vm)
	}
	return m.c.setPhase(ctx, m.vm, PhaseMigrating)
}

func (m *move) from() string { return step.AndList(nodesOf(m.sources)) }

// awaitPreferred waits until every reflector prefers the new node, and the nodes
// are ready too. If the former does not come true, the new node withdraws.
func (m *move) awaitPreferred(ctx context.Context) error {
	c, to := m.c, m.vm.Node
	began, noted := time.Now(), false
	var preferred time.Time
	var lacking []string
	yes, err := c.await(ctx, c.limit(), func() bool {
		views, ready := m.lookAtAll(ctx)
		lacking = m.notPreferring(views)
		if len(lacking) > 0 {
			preferred = time.Time{}
			if !noted && time.Since(began) > time.Second {
				noted = true
				c.note(fmt.Sprintf("waiting up to %s until %s", c.limit(), prefer(lacking, to)))
			}
			return false
		}
		if preferred.IsZero() {
			preferred = time.Now()
		}
		return ready || time.Since(preferred) > readyLimit
	})
	if err != nil {
		return m.cutOff(err, "it is announced by both")
	}
	if !yes && len(lacking) > 0 {
		return m.undo(ctx, lacking)
	}
	c.note(fmt.Sprintf("%s (%.1fs)", prefer(rrNames(m.rrs), to), time.Since(began).Seconds()))
	return nil
}

func prefer(rrs []string, node string) string {
	if len(rrs) == 1 {
		return rrs[0] + " prefers " + node
	}
	return step.AndList(rrs) + " prefer " + node
}

// notPreferring names the reflectors that do not prefer the new node for every
// address.
func (m *move) notPreferring(views []View) []string {
	var out []string
	for _, w := range views {
		if s := w.Seen(m.vm); s.Status != SeenYes && s.Status != "" {
			out = append(out, w.RR.Name)
		}
	}
	return out
}

// hindrance says what keeps the new node from announcing the VM.
func (m *move) hindrance(ctx context.Context) string {
	v, err := m.c.askVM(ctx, m.vm.Node, m.vm.Name)
	if err != nil {
		return err.Error()
	}
	if why := v.Hindrance(); why != "" {
		return why
	}
	return "its routes are in the kernel of " + m.vm.Node
}

// awaitAlone waits until no reflector has a route to the VM by another node.
func (m *move) awaitAlone(ctx context.Context, c *Control) error {
	var others string
	alone, err := c.await(ctx, c.limit(), func() bool {
		others = elsewhere(m.vm, m.look(ctx))
		return others == ""
	})
	if err != nil {
		return m.cutOff(err, "it is announced by "+m.vm.Node)
	}
	if !alone {
		return refused(fmt.Sprintf("see to that node; then `ipfabric vm move %s --to %s` finishes", m.vm.Name, m.vm.Node),
			"VM %s is on %s, which stays preferred, because after %s %s", m.vm.Name, m.vm.Node, c.limit(), others)
	}
	return nil
}

// checkAlone refuses to call a VM moved that no other node is known to have, while
// a reflector has a route to it by another router.
func (c *Control) checkAlone(ctx context.Context, v VM, rrs []inventory.RouteReflector) error {
	if others := elsewhere(v, c.views(ctx, rrs, v.Addrs())); others != "" {
		return refused("is that a node that left the inventory, or one whose agent gave no answer? See to it there; `ipfabric verify` tells more",
			"VM %s is on %s already, but %s", v.Name, v.Node, others)
	}
	return nil
}

// elsewhere names a route to a VM by another node than its own that a reflector has.
func elsewhere(v VM, views []View) string {
	for _, w := range views {
		for _, a := range v.Addrs() {
			for _, p := range w.Routes[a] {
				if p.Node != v.Node {
					return fmt.Sprintf("%s still has %s by %s", w.RR.Name, a, p.Node)
				}
			}
		}
	}
	return ""
}

// readyLimit is how long the nodes may take to be ready once all reflectors
// prefer the new one: they hear of it at the same time as the core gateways. A
// broken node that never is must not keep a VM there.
const readyLimit = time.Second

// lookAtAll asks the reflectors about the VM, and at the same time the nodes
// whether they are ready for the old one to let go: it has heard of the route by
// the new one, so that it passes on what still arrives; and the new one gives
// packets to the VM's interface, and no longer to the old one.
func (m *move) lookAtAll(ctx context.Context) (views []View, ready bool) {
	nodes := nodesOf(m.sources)
	waiting := make([]bool, len(nodes)+1)
	var all sync.WaitGroup
	all.Add(2)
	go func() {
		defer all.Done()
		onAll(nodes, func(i int, node string) { waiting[i] = m.unheard(ctx, node) })
	}()
	go func() {
		defer all.Done()
		waiting[len(nodes)] = m.passedOn(ctx)
	}()
	views = m.look(ctx)
	all.Wait()
	return views, !slices.Contains(waiting, true)
}

// unheard says whether an old node lacks a route by the new one.
func (m *move) unheard(ctx context.Context, node string) bool {
	addrs := m.vm.Addrs()
	routes, err := m.c.routesAt(ctx, node, addrs)
	return err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !routes.From(a, m.vm.Node) })
}

// passedOn says whether the new node's kernel still gives packets for the VM to
// another router: FRR's route to the old node has the better metric, and stays
// until FRR has seen the agent's.
func (m *move) passedOn(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	h, err := m.c.Connect(ctx, m.vm.Node)
	if err != nil {
		return false
	}
	var addrs []string
	for _, a := range m.vm.Addrs() {
		addrs = append(addrs, a.String())
	}
	out, err := h.Query(ctx, assets.Script("routes-to.sh", addrs...)...)
	return err == nil && strings.Contains(out, " via ")
}

func rrNames(rrs []inventory.RouteReflector) []string {
	var out []string
	for _, r := range rrs {
		out = append(out, r.Name)
	}
	return out
}
