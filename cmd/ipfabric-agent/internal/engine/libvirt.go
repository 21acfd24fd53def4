package engine

import (
	"context"
	"errors"
	"net/http"

	"ipfabric/cmd/ipfabric-agent/internal/api"
	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/cmd/ipfabric-agent/internal/vm"
)

// Domain follows what libvirt does with a domain. A VM that somebody else has
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
	have, known := e.Store.Get(ev.Guest)
	if known && have.Source != vm.Libvirt {
		return e.foreignDomain(ctx, ev, have)
	}
	switch ev.Op {
	case "migrate", "prepare", "started", "reconnect", "restore":
		return e.domainStarts(ctx, ev)
	case "stopped", "release":
		if !known {
			return nil
		}
		return ignoreGone(e.Remove(ctx, ev.Guest))
	}
	return nil
}

func (e *Engine) domainStarts(ctx context.Context, ev libvirt.Event) error {
	if ev.VM == nil {
		return nil // not the fabric's
	}
	v := *ev.VM
	// One that is on its way here stays Waiting through prepare and started.
	v.Name, v.Source, v.Phase = ev.Guest, vm.Libvirt, ""
	if ev.Op == "migrate" {
		v.Phase = vm.Waiting
	}
	return e.put(ctx, v)
}

// foreignDomain is about a VM that libvirt runs but somebody else has added. A
// guest that has ended here may have done so because it runs somewhere else now
// (libvirt before 10.5 does not say): its next packet, wherever it comes out,
// announces it.
func (e *Engine) foreignDomain(ctx context.Context, ev libvirt.Event, have vm.VM) error {
	if ev.Op != "migrate" && ev.Op != "release" || have.Phase == vm.Withdrawn || have.Phase == vm.Waiting {
		return nil
	}
	_, err := e.SetPhase(ctx, have.Name, vm.Waiting)
	return ignoreGone(err)
}

// ignoreGone makes nothing of a VM that somebody else has removed meanwhile.
func ignoreGone(err error) error {
	var refused *api.Error
	if errors.As(err, &refused) && refused.Code == http.StatusNotFound {
		return nil
	}
	return err
}
