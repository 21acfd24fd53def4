package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ipfabric/steps/vms"
)

func (a *app) vmRemoveCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Withdraw a VM and give its addresses back",
		Long: `Remove withdraws a VM from the node that has it, and makes that node forget it. Its
addresses are free then. A tap that the agent made is deleted; any other interface
is set down. The guest itself is not touched. A VM that libvirt or LXD brought is not
removed while it runs, as they would bring it back, nor one that is off.

Exit codes: 0 removed, 1 refused, or there is no such VM, 3 a host did not answer, 64 the
command line is wrong.`,
		Example: `  ipfabric vm remove web
  ipfabric vm remove web --yes`,
		Args:              oneVM(),
		ValidArgsFunction: a.completeVM,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context(), "vm-remove", nil)
			if err != nil {
				return err
			}
			defer s.close()
			return s.vmFailed(cmd.Context(), vmRemove(cmd.Context(), s, args[0], yes))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "remove without asking")
	return cmd
}

func vmRemove(ctx context.Context, s *session, name string, yes bool) error {
	c := s.vms()
	if !yes {
		if err := confirmRemove(ctx, s, c, name); err != nil {
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
func confirmRemove(ctx context.Context, s *session, c *vms.Control, name string) error {
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
