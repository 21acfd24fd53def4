package engine

import (
	"context"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/inventory/vm"
)

// hostsOwn refuses an interface that is the host's own, before the VM is stored:
// after the next boot the agent may start before the addresses and routes are
// there by which such an interface is recognised. A VM that is added by hand is
// also refused if its interface is not fit for a VM. For a VM of libvirt or LXD
// that is a problem of the status instead.
func (e *Engine) hostsOwn(ctx context.Context, v vm.VM) error {
	w := dataplane.For(v, e.settings())
	seen, err := e.Kernel.See(ctx, []string{w.Device}, false)
	if err != nil {
		return err
	}
	link := seen.Links[w.Device]
	if link == nil {
		return nil
	}
	why := link.Host(w)
	if v.Source == vm.API {
		why = link.Unfit(w, nil)
	}
	if why == "" {
		return nil
	}
	return vm.Errorf(vm.Conflict, "VM %s: interface %s: %s", v.Name, w.Device, why).
		WithHint("leave out the interface, or name one that is the VM's alone")
}
