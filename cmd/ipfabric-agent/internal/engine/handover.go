package engine

import (
	"net/netip"
	"slices"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/inventory/vm"
)

// handOverLimit is how long FRR may take to lead a VM's addresses to another
// node, once the agent's own routes are gone.
const handOverLimit = time.Second

// fallBack withdraws a VM and waits until FRR leads its addresses to the node
// that announces it now. FRR begins with that only when the agent's routes are
// gone, for what is announced here comes before what others announce. Until then
// fallback routes pass packets to the guest. The caller holds work, and removes
// the VM's interface, with which they go.
func (e *Engine) fallBack(v vm.VM) {
	e.mu.Lock()
	s := e.states[v.Name]
	e.mu.Unlock()
	if !s.Present || !v.Announced() || e.Store.Drained() {
		return
	}
	routes := dataplane.For(v, e.settings()).Routes
	for _, verb := range []dataplane.Verb{dataplane.AddFallback, dataplane.DelRoute} {
		for _, r := range routes {
			op := dataplane.Op{VM: v.Name, Device: s.device, Verb: verb, Prefix: r.Prefix, Metric: r.Metric, Index: s.Index}
			if err := e.Kernel.Do(op); err != nil {
				e.Log.Debug("a VM is handed over without a fallback", "vm", v.Name, "err", err)
				return
			}
		}
	}
	here := func(a netip.Addr) bool { return e.Kernel.Elsewhere(a) == "" }
	for deadline := time.Now().Add(handOverLimit); slices.ContainsFunc(v.Addrs(), here); {
		if time.Now().After(deadline) {
			e.Log.Warn("a VM was to be handed over, but no other node announces it", "vm", v.Name)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}
