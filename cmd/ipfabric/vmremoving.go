package main

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/steps/vms"
)

func (s *session) vmRemove(ctx context.Context, name string, yes bool) error {
	c := s.vms()
	if !yes {
		if err := s.confirmRemove(ctx, c, name); err != nil {
			return err
		}
	}
	defer s.signals.change()()
	removed, silent, err := c.Remove(ctx, name)
	if err != nil {
		return err
	}
	for _, v := range removed {
		s.say.result(fmt.Sprintf("%s removed from %s: %s\n", s.say.onOut(bold, name), v.Node, vmSummary(v)))
		if v.Source != "api" && v.Source != "" { // whose a damaged file was is not known
			s.say.warn("VM %s belonged to %s, which may bring it back: remove its addresses there too", name, v.Source)
		}
	}
	if len(silent) > 0 {
		s.say.warn("nodes that did not answer may have a VM %s as well", name)
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
		s.say.note("withdrawn: no route reflector has a route to it")
	}
	return s.afterSilent(append(silent, more...))
}

// confirmRemove shows what would be removed, and asks.
func (s *session) confirmRemove(ctx context.Context, c *vms.Control, name string) error {
	if s.ask == nil {
		return usagef("give --yes to remove it without being asked", "nobody can be asked whether to remove VM %s: this is no terminal", name)
	}
	found, err := c.Find(ctx, name)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	s.say.result(vmTable(s.fabric, found.VMs).render(s.say.onOut))
	if err := found.Removable(); err != nil {
		return err
	}
	ok, err := s.ask.Confirm(ctx, "Remove VM "+name+"?")
	if err != nil {
		return err
	}
	if !ok {
		return withHint(errors.New("not removed: nothing was changed"), "answer y to remove it")
	}
	return nil
}
