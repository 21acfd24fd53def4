package engine

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

// Domain follows what libvirt does with a domain. A VM that another source has
// added (ipfabric vm add) stays theirs: of it, libvirt only says when it
// migrates.
//
// What libvirt does on the node that a guest migrates to, in order: migrate,
// prepare, start, started, all while the guest is still paused. Only a packet
// from the guest says that it runs.
func (e *Engine) Domain(ctx context.Context, ev libvirt.Event) error {
	if err := vm.CheckName(ev.Guest); err != nil {
		e.Log.Debug("a domain cannot be the fabric's", "err", err)
		return nil
	}
	waited, cancel := ev.Context(ctx)
	defer cancel()
	err := e.domain(waited, ev)
	if vm.CodeOf(err) == vm.TooLate {
		e.late(context.WithoutCancel(ctx), ev)
	}
	return err
}

func (e *Engine) domain(ctx context.Context, ev libvirt.Event) error {
	if err := inTime(ctx); err != nil {
		return err
	}
	have, known := e.Store.Get(ev.Guest)
	if known && have.Source != vm.Libvirt {
		return e.foreignDomain(ctx, ev, have)
	}
	switch {
	case libvirt.Starts(ev.Op):
		return e.domainStarts(ctx, ev)
	case libvirt.Ends(ev.Op):
		e.noteDomain(ev.Guest, nil)
		if !known {
			return nil
		}
		return ignoreGone(e.Remove(ctx, ev.Guest))
	}
	return nil
}

func (e *Engine) domainStarts(ctx context.Context, ev libvirt.Event) error {
	if ev.Error != "" {
		e.noteDomain(ev.Guest, errors.New(ev.Error))
	}
	if ev.VM == nil {
		return nil // not the fabric's
	}
	v := *ev.VM
	// One that is on its way here stays Waiting through prepare and started.
	v.Name, v.Source, v.Phase = ev.Guest, vm.Libvirt, ""
	if ev.Op == "migrate" {
		v.Phase = vm.Waiting
	}
	err := e.put(ctx, v)
	if inTime(ctx) == nil || err == nil {
		e.noteDomain(ev.Guest, err)
	}
	return err
}

// noteDomain makes a warning of why a domain cannot be used; nil removes it.
func (e *Engine) noteDomain(name string, err error) {
	warning := ""
	if err != nil {
		warning = fmt.Sprintf("libvirt: domain %s cannot be used: %v", name, err)
	}
	e.Note("libvirt "+name, warning)
}

// late deals with what libvirt no longer waits for: meanwhile the domain may have
// ended, or started anew. So it is not what the event says that counts, but what
// is there now, and nothing is taken from a guest.
func (e *Engine) late(ctx context.Context, ev libvirt.Event) {
	e.Log.Warn("libvirt did not wait for the agent", "domain", ev.Guest, "op", ev.Op)
	switch {
	case ev.Op == "migrate":
		// What comes next must not take it for a guest that starts here.
		if _, known := e.Store.Get(ev.Guest); !known {
			e.logLate(ev, e.domain(ctx, ev))
		}
	case libvirt.Starts(ev.Op):
		e.learn(ctx, ev.Guest)
	case libvirt.Ends(ev.Op):
		e.logLate(ev, e.park(ctx, ev.Guest))
	}
}

func (e *Engine) logLate(ev libvirt.Event, err error) {
	if err != nil {
		e.Log.Error("an event of libvirt came too late", "domain", ev.Guest, "op", ev.Op, "err", err)
	}
}

// park makes a VM wait for its next packet if no guest is attached to it.
func (e *Engine) park(ctx context.Context, name string) error {
	e.work.Lock()
	defer e.work.Unlock()
	v, ok := e.Store.Get(name)
	if !ok || !v.Announced() {
		return nil
	}
	e.apply(ctx, name) // looks whether a guest is there
	e.mu.Lock()
	s := e.states[name]
	e.mu.Unlock()
	if s.failed || s.Carrier {
		return nil
	}
	return e.setPhase(ctx, v, vm.Waiting)
}

// Learn adds the VMs of domains that run and that the agent has not heard of, as
// they were started while it did not run.
func (e *Engine) Learn(ctx context.Context) { e.learn(ctx, "") }

func (e *Engine) learn(ctx context.Context, only string) {
	if e.Running == nil || !e.Store.Known() {
		return // it is not known which VMs there are already
	}
	bad := e.Store.Bad()
	for _, d := range e.Running() {
		_, known := e.Store.Get(d.Name)
		_, held := bad[d.Name]
		if known || held || only != "" && d.Name != only || vm.CheckName(d.Name) != nil {
			continue
		}
		err := d.Err
		if d.VM != nil {
			v := *d.VM
			v.Name, v.Source, v.Phase = d.Name, vm.Libvirt, vm.Live
			if !d.Runs {
				v.Phase = vm.Waiting // its first packet shows that it does
			}
			err = e.put(ctx, v)
		}
		e.noteDomain(d.Name, err)
	}
}

// foreignDomain follows a domain of libvirt whose VM another source has added. A
// guest that has ended here may have migrated (libvirt before 10.5 does not say):
// its next packet, on whichever node, announces it.
func (e *Engine) foreignDomain(ctx context.Context, ev libvirt.Event, have vm.VM) error {
	if ev.Op != "migrate" && ev.Op != "release" || have.Phase == vm.Withdrawn || have.Phase == vm.Waiting {
		return nil
	}
	_, err := e.SetPhase(ctx, have.Name, vm.Waiting)
	return ignoreGone(err)
}

// ignoreGone makes it no error that another caller has removed the VM meanwhile.
func ignoreGone(err error) error {
	switch vm.CodeOf(err) {
	case vm.NotFound, vm.Conflict:
		return nil
	}
	return err
}
