package vms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipfabric/steps/step"
)

// awaitGuest waits until there is a guest on the new node. If none comes, the
// new node forgets the VM.
func (m *move) awaitGuest(ctx context.Context) error {
	c, name, to := m.c, m.vm.Name, m.vm.Node
	began, noted, missing := time.Now(), false, ""
	yes, err := c.await(ctx, m.wait, func() bool {
		v, err := c.askVM(ctx, to, name)
		if err != nil {
			missing = err.Error()
			return false
		}
		if missing = cmp.Or(v.Problem, v.GuestMissing()); missing == "" {
			return true
		}
		if !noted && time.Since(began) > time.Second {
			noted = true
			c.note(fmt.Sprintf("%s: %s; start the guest there, there are %s for it", to, missing, m.wait.Round(time.Second)))
		}
		return false
	})
	if err != nil {
		return m.cutOff(err, "it is announced by "+m.from())
	}
	if yes {
		return nil
	}
	again := fmt.Sprintf("start the guest on %s, then run `ipfabric vm move %s --to %s` again, with a longer --wait if need be", to, name, to)
	if err := m.withdraw(ctx); err != nil {
		return m.cutOff(fmt.Errorf("within %s: %s; and going back failed: %w", m.wait, missing, err), "it is announced by "+m.from())
	}
	return refused(again, "VM %s stays on %s, for on %s, after %s: %s", name, m.from(), to, m.wait, missing)
}

// undo makes the new node withdraw a VM for which not all came to prefer it,
// unless it may be the only one left that announces it.
func (m *move) undo(ctx context.Context, lacking []string) error {
	to, name := m.vm.Node, m.vm.Name
	from := m.from()
	again := fmt.Sprintf("`ipfabric vm move %s --to %s`", name, to)
	failed := fmt.Sprintf("after %s %s still did not prefer %s: %s", m.c.limit(), step.AndList(lacking), to, m.hindrance(ctx))
	if a, ok := m.announcedBefore(m.look(ctx)); !ok {
		return refused(fmt.Sprintf("see why with `ipfabric verify`, then run %s again, or --to %s to go back", again, from),
			"VM %s is left on both %s and %s, as %s is not announced by %s any more: %s", name, from, to, a, from, failed)
	}
	if err := m.withdraw(ctx); err != nil {
		return m.cutOff(fmt.Errorf("%s, and going back failed: %w", failed, err), "it may be announced by both")
	}
	return refused("`ipfabric verify` looks at FRR and its sessions; once that is put right, run "+again+" again",
		"VM %s stays on %s: %s", name, from, failed)
}

// announcedBefore says whether every reflector has a route to each address by
// an old node, and if not, to which one there is none.
func (m *move) announcedBefore(views []View) (netip.Addr, bool) {
	for _, w := range views {
		for _, a := range m.vm.Addrs() {
			byOld := func(v VM) bool { return w.Routes.From(a, v.Node) }
			if w.Carries(a) && !slices.ContainsFunc(m.sources, byOld) {
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
		return m.c.setPhase(ctx, v, PhaseWithdrawn)
	}
	return m.c.removeVM(ctx, v)
}

// cutOff is the error of a move that ended in the middle.
func (m *move) cutOff(err error, state string) error {
	e := &Error{Msg: fmt.Sprintf("the move of VM %s to %s is not finished (%s)", m.vm.Name, m.vm.Node, state), Err: err}
	var inner *Error
	if errors.As(err, &inner) {
		e.Kind = inner.Kind
	}
	e.Next = fmt.Sprintf("`ipfabric vm move %s --to %s` finishes it", m.vm.Name, m.vm.Node)
	if len(m.sources) > 0 {
		e.Next += fmt.Sprintf(", with --to %s it goes back", m.sources[0].Node)
	}
	return e
}
