package steps

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// run carries the move out. Its order is what keeps the VM announced.
func (m *move) run(ctx context.Context) error {
	c, to := m.c, m.vm.Node
	views := m.look(ctx)
	if err := m.askable(views); err != nil {
		return err
	}
	idle := m.idle(views)
	if err := m.begin(ctx); err != nil {
		return err
	}
	if idle {
		c.note("VM ", m.vm.Name, " was announced by no node: there is nothing to wait for")
	}
	if !idle && len(m.sources) > 0 {
		if err := m.awaitPreferred(ctx); err != nil {
			return err
		}
	}
	// From here on the old node is not needed. What follows is short, and is
	// done to its end.
	calm := *c
	calm.Stop = nil
	if !idle {
		m.awaitHeard(ctx, &calm)
	}
	for _, v := range m.sources {
		if err := c.removeVM(ctx, v); err != nil {
			return m.cutOff(err, "it is announced by both, and "+to+" is preferred")
		}
		c.note(v.Node, ": removed")
	}
	if err := m.awaitAlone(ctx, &calm); err != nil {
		return err
	}
	if err := c.setPhase(ctx, m.vm, phaseLive); err != nil {
		return m.cutOff(err, "it is announced by "+to+" alone")
	}
	return nil
}

// look asks the reflectors about the VM.
func (m *move) look(ctx context.Context) []view { return m.c.views(ctx, m.rrs, m.vm.Addrs()) }

// askable makes sure that for each address there is a reflector that can be
// asked, and that all that are to be asked give an answer.
func (m *move) askable(views []view) error {
	if silent := silentViews(views); len(silent) > 0 {
		names := silentNames(silent)
		return &VMError{Kind: VMSilent, Silent: silent,
			Msg:  fmt.Sprintf("VM %s was not moved: whether %s would prefer %s cannot be asked", m.vm.Name, AndList(names), m.vm.Node),
			Next: "if it is out of order for long, leave it out with --skip-rr " + names[0]}
	}
	for _, a := range m.vm.Addrs() {
		if !slices.ContainsFunc(views, func(w view) bool { return w.carries(a) }) {
			return vmRefused("the agents can be told one by one: see ipfabric-agent vm phase --help on the nodes",
				"VM %s was not moved: no route reflector that ipfabric manages can be asked about %s", m.vm.Name, a)
		}
	}
	return nil
}

// idle says whether the old node does not announce the VM, so that nothing can
// break.
func (m *move) idle(views []view) bool {
	if len(m.sources) == 0 {
		return false
	}
	for _, v := range m.sources {
		if v.Announced {
			return false
		}
	}
	return m.elsewhere(views) == ""
}

// begin makes the new node announce the VM, preferred over the others.
func (m *move) begin(ctx context.Context) error {
	c := m.c
	switch m.target.Phase {
	case "":
		if err := c.addVM(ctx, m.vm); err != nil {
			return m.cutOff(err, "it may be announced by both")
		}
		c.note(m.vm.Node, ": added, to be preferred over ", AndList(nodesOf(m.sources)))
	case phaseMigrating:
		c.note(m.vm.Node, " has it already, preferred over others: going on from there")
	default:
		if err := c.setPhase(ctx, m.vm, phaseMigrating); err != nil {
			return m.cutOff(err, "it may be announced by both")
		}
	}
	for _, v := range m.sources {
		// One that came by a move itself would be preferred just as much.
		if v.Phase != phaseMigrating {
			continue
		}
		if err := c.setPhase(ctx, v, phaseLive); err != nil {
			return m.cutOff(err, "it is announced by both")
		}
	}
	return nil
}

// awaitPreferred waits until every reflector prefers the new node. If that does
// not come true, the new node withdraws.
func (m *move) awaitPreferred(ctx context.Context) error {
	c, to := m.c, m.vm.Node
	began, told := time.Now(), false
	var lacking []string
	yes, err := c.await(ctx, m.wait, func() bool {
		lacking = m.notPreferring(m.look(ctx))
		if len(lacking) > 0 && !told && time.Since(began) > time.Second {
			told = true
			c.note(fmt.Sprintf("waiting up to %s until %s: %s", m.wait.Round(time.Second), prefer(lacking, to), m.hindrance(ctx)))
		}
		return len(lacking) == 0
	})
	if errors.Is(err, ErrInterrupted) {
		return m.cutOff(err, "it is announced by both")
	}
	if err != nil {
		return err
	}
	if !yes {
		return m.undo(ctx, lacking)
	}
	c.note(fmt.Sprintf("%s (%.1fs)", prefer(m.names(), to), time.Since(began).Seconds()))
	return nil
}

func (m *move) names() []string {
	var out []string
	for _, r := range m.rrs {
		out = append(out, r.Name)
	}
	return out
}

func prefer(rrs []string, node string) string {
	if len(rrs) == 1 {
		return rrs[0] + " prefers " + node
	}
	return AndList(rrs) + " prefer " + node
}

// notPreferring names the reflectors that do not prefer the new node for every
// address.
func (m *move) notPreferring(views []view) []string {
	var out []string
	for _, w := range views {
		if s := w.seen(m.vm); s.Status != SeenYes && s.Status != "" {
			out = append(out, w.rr.Name)
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
	return m.vm.Node + " has its routes, FRR has yet to announce them"
}

// heardLimit is how long the old node may take to hear of the new route from
// the reflectors. It hears at the same time as the core gateways.
const heardLimit = time.Second

// awaitHeard waits until the old node knows the way to the new one, so that it
// passes on what still arrives after it has let go. That a broken node never
// hears of it must not keep a VM there.
func (m *move) awaitHeard(ctx context.Context, c *VMControl) {
	addrs := m.vm.Addrs()
	_, _ = c.await(ctx, heardLimit, func() bool {
		for _, v := range m.sources {
			routes, err := c.routesAt(ctx, v.Node, addrs)
			if err != nil {
				continue
			}
			for _, a := range addrs {
				if !routes.from(a, m.vm.Node) {
					return false
				}
			}
		}
		return true
	})
}

// awaitAlone waits until no reflector has a route to the VM by another node.
func (m *move) awaitAlone(ctx context.Context, c *VMControl) error {
	var others string
	alone, err := c.await(ctx, seenLimit, func() bool {
		others = m.elsewhere(m.look(ctx))
		return others == ""
	})
	if err != nil {
		return m.cutOff(err, "it is announced by "+m.vm.Node)
	}
	if !alone {
		return vmRefused(fmt.Sprintf("see to that node; then `ipfabric vm move %s --to %s` finishes", m.vm.Name, m.vm.Node),
			"VM %s is on %s, which stays preferred, because after %s %s", m.vm.Name, m.vm.Node, seenLimit, others)
	}
	return nil
}

// elsewhere names a route to the VM by another node that a reflector has.
func (m *move) elsewhere(views []view) string {
	for _, w := range views {
		for _, a := range m.vm.Addrs() {
			for _, p := range w.routes[a] {
				if p.node != m.vm.Node {
					return fmt.Sprintf("%s still has %s by %s", w.rr.Name, a, p.node)
				}
			}
		}
	}
	return ""
}

// undo makes the new node withdraw a VM that nobody came to prefer it for,
// unless it is the only one left that announces it.
func (m *move) undo(ctx context.Context, lacking []string) error {
	to, name := m.vm.Node, m.vm.Name
	from := AndList(nodesOf(m.sources))
	again := fmt.Sprintf("`ipfabric vm move %s --to %s`", name, to)
	failed := fmt.Sprintf("within %s not all prefer %s (%s): %s", m.wait, to, AndList(lacking), m.hindrance(ctx))
	if a, ok := m.announcedBefore(m.look(ctx)); !ok {
		return vmRefused(fmt.Sprintf("see why with `ipfabric verify`, then run %s again, or --to %s to go back", again, from),
			"VM %s is left on both %s and %s, as %s is not announced by %s any more: %s", name, from, to, a, from, failed)
	}
	if err := m.withdraw(ctx); err != nil {
		return m.cutOff(fmt.Errorf("%s, and going back failed: %w", failed, err), "it may be announced by both")
	}
	return vmRefused("once that is put right, run "+again+" again", "VM %s stays on %s: %s", name, from, failed)
}

// announcedBefore says whether every reflector has a route to each address by
// an old node, and if not, to which one there is none.
func (m *move) announcedBefore(views []view) (netip.Addr, bool) {
	for _, w := range views {
		for _, a := range m.vm.Addrs() {
			byOld := func(v VM) bool { return w.routes.from(a, v.Node) }
			if w.carries(a) && !slices.ContainsFunc(m.sources, byOld) {
				return a, false
			}
		}
	}
	return netip.Addr{}, true
}

// withdraw takes the VM back from the new node. An interface with a guest at
// its other end is left in place.
func (m *move) withdraw(ctx context.Context) error {
	v, err := m.c.askVM(ctx, m.vm.Node, m.vm.Name)
	if err != nil {
		return err
	}
	if v.Carrier {
		return m.c.setPhase(ctx, v, phaseWithdrawn)
	}
	return m.c.removeVM(ctx, v)
}

// cutOff is the error of a move that ended in the middle.
func (m *move) cutOff(err error, state string) error {
	e := &VMError{Msg: fmt.Sprintf("the move of VM %s to %s is not finished (%s)", m.vm.Name, m.vm.Node, state), Err: err}
	var inner *VMError
	if errors.As(err, &inner) {
		e.Kind = inner.Kind
	}
	e.Next = fmt.Sprintf("`ipfabric vm move %s --to %s` finishes it", m.vm.Name, m.vm.Node)
	if len(m.sources) > 0 {
		e.Next += fmt.Sprintf(", with --to %s it goes back", m.sources[0].Node)
	}
	return e
}
