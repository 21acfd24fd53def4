package vms

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/steps/step"
)

// Remove withdraws a VM from every node that has it, and makes the nodes forget
// it. It returns the VMs that it removed, and the nodes that gave no answer.
func (c *Control) Remove(ctx context.Context, name string) (removed []VM, silent []Silent, err error) {
	if err := CheckName(name); err != nil {
		return nil, nil, err
	}
	err = c.locked(ctx, func(s survey) error {
		silent = s.silent
		found := s.named(name)
		if len(found) == 0 {
			return s.missing(name)
		}
		if err := checkRemovable(found); err != nil {
			return err
		}
		for _, v := range found {
			if c.stopped() {
				return &Error{Msg: "VM " + name + " was not removed from " + v.Node, Err: ErrInterrupted, Next: "run the same command again"}
			}
			if err := c.removeVM(ctx, v); err != nil {
				return notRemoved(v, err)
			}
			removed = append(removed, v)
		}
		return nil
	})
	return removed, silent, err
}

// notRemoved is the error of a node that was asked to remove a VM.
func notRemoved(v VM, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == Refused {
		return err
	}
	return &Error{Kind: Unanswered, Msg: fmt.Sprintf("whether VM %s was removed from %s is not known", v.Name, v.Node), Err: err,
		Next: "run the same command again: it does what is left"}
}

// AwaitGone waits until no managed route reflector has a route to any of these
// VMs by its node. A reflector that gives no answer is returned.
func (c *Control) AwaitGone(ctx context.Context, vms []VM) ([]Silent, error) {
	if len(vms) == 0 {
		return nil, nil
	}
	addrs := vms[0].Addrs()
	for _, v := range vms[1:] {
		addrs = append(addrs, v.Addrs()...)
	}
	var still string
	var silent []Silent
	gone, err := c.await(ctx, c.limit(), func() bool {
		views := c.views(ctx, c.reflectors(nil), addrs)
		silent = silentViews(views)
		still = stillThere(views, vms)
		return still == ""
	})
	if err != nil || gone {
		return silent, err
	}
	return silent, refused("see whether FRR runs on "+step.AndList(nodesOf(vms))+": `ipfabric verify`",
		"%s was asked to withdraw VM %s, but after %s %s", step.AndList(nodesOf(vms)), vms[0].Name, c.limit(), still)
}

// stillThere names a route by a VM's node that a reflector has.
func stillThere(views []View, vms []VM) string {
	for _, w := range views {
		for _, v := range vms {
			for _, a := range v.Addrs() {
				if w.Routes.From(a, v.Node) {
					return fmt.Sprintf("%s still has %s by %s", w.RR.Name, a, v.Node)
				}
			}
		}
	}
	return ""
}
