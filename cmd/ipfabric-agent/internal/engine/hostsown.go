package engine

import (
	"context"
	"net/http"

	"ipfabric/cmd/ipfabric-agent/internal/api"
	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/vm"
)

// hostsOwn refuses an interface that is the host's own before the VM is stored:
// at the next boot the agent may come before the interface has its addresses.
func (e *Engine) hostsOwn(ctx context.Context, v vm.VM) error {
	seen, err := e.Kernel.See(ctx, []string{v.Device()}, false)
	if err != nil {
		return err
	}
	link := seen.Links[v.Device()]
	if link == nil {
		return nil
	}
	if why := link.Host(dataplane.For(v, e.settings())); why != "" {
		return api.Errorf(http.StatusConflict, "VM %s: interface %s: %s", v.Name, v.Device(), why).
			WithHint("leave out the interface, or name one that is the VM's alone")
	}
	return nil
}
