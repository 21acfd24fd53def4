package session

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

// RemoveVM asks, unless yes is set, removes a VM, and waits until its routes are gone.
func (s *Session) RemoveVM(ctx context.Context, name string, yes bool) error {
	c := s.vms()
	if !yes {
		if err := s.confirmRemove(ctx, c, name); err != nil {
			return err
		}
	}
	defer s.Signals.change()()
	removed, silent, err := c.Remove(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range removed {
		s.Say.Result(fmt.Sprintf("%s removed from %s: %s\n", s.Say.OnOut(ui.Bold, name), v.Node, vmSummary(v)))
		if v.Source != "api" && v.Source != "" { // whose a damaged file was is not known
			s.Say.Warn("VM %s belonged to %s, which may bring it back: remove its addresses there too", name, v.Source)
		}
	}
	if len(silent) > 0 {
		s.Say.Warn("nodes that did not answer may have a VM %s as well", name)
	}
	more, err := c.AwaitGone(ctx, removed)
	if errors.Is(err, vms.ErrInterrupted) {
		return &vms.Error{Msg: fmt.Sprintf("VM %s was removed; whether the route reflectors have heard of it was not waited for", name), Err: err,
			Next: "`ipfabric verify` finds routes that no VM has"}
	}
	if err != nil {
		return err
	}
	if len(more) == 0 {
		s.Say.Note("withdrawn: no route reflector has a route to it")
	}
	return s.afterSilent(append(silent, more...))
}

// confirmRemove shows what would be removed, and asks.
func (s *Session) confirmRemove(ctx context.Context, c *vms.Control, name string) error {
	if s.Ask == nil {
		return ui.Usagef("give --yes to remove it without being asked", "nobody can be asked whether to remove VM %s: this is no terminal", name)
	}
	found, err := c.Find(ctx, name)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	s.Say.Result(ui.VMTable(s.fabric, found.VMs).Render(s.Say.OnOut))
	if err := found.Removable(); err != nil {
		return err
	}
	ok, err := s.Ask.Confirm(ctx, "Remove VM "+name+"?")
	if err != nil {
		return err
	}
	if !ok {
		return ui.WithHint(errors.New("not removed: nothing was changed"), "answer y to remove it")
	}
	return nil
}
