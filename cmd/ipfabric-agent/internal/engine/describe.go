package engine

import (
	"context"
	"slices"
	"strings"

	"ipfabric/inventory/vm"
)

// VMs returns all VMs that are wanted here, and how they are, by name. Those
// whose file cannot be used are among them, with what the kernel still has, and
// those that are off.
func (e *Engine) VMs(ctx context.Context) []vm.Observed {
	_, _ = e.lookForObstacles(ctx) // for those that are silent; the status tells of an error
	drops, _ := e.Firewall.Drops()
	out := []vm.Observed{}
	for _, v := range e.Store.All() {
		out = append(out, e.describe(v, drops.Devices))
	}
	for name, why := range e.unreadable() {
		if vm.CheckName(name) == nil {
			out = append(out, e.describeBad(name, why, drops.Devices))
		}
	}
	for _, v := range e.offVMs() {
		out = append(out, e.describe(v, drops.Devices))
	}
	slices.SortFunc(out, func(a, b vm.Observed) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// VM returns one.
func (e *Engine) VM(_ context.Context, name string) (vm.Observed, error) {
	if v, ok := e.Store.Get(name); ok {
		drops, _ := e.Firewall.Drops()
		return e.describe(v, drops.Devices), nil
	}
	if v, ok := e.offVM(name); ok {
		return e.describe(v, nil), nil
	}
	return vm.Observed{}, e.noSuchVM(name)
}

func (e *Engine) noSuchVM(name string) error {
	if why, bad := e.Store.Bad()[name]; bad {
		return vm.Errorf(vm.Conflict, "VM %.64q: %s", name, why).
			WithHint("add the VM again, or remove it")
	}
	if v, off := e.offVM(name); off {
		return vm.Errorf(vm.Conflict, "VM %.64q is off: there is nothing of it on this node but what %s knows", name, v.Source)
	}
	return vm.Errorf(vm.NotFound, "there is no VM %.64q on this node", name).
		WithHint("ipfabric-agent vm list")
}

func (e *Engine) describe(v vm.VM, dropped map[string]uint64) vm.Observed {
	e.mu.Lock()
	s, ok := e.states[v.Name]
	if !ok {
		s = e.held[v.Name].vmState
	}
	e.mu.Unlock()
	out := vm.Observed{
		VM:      v,
		Present: s.Present,
		Carrier: s.Carrier,
		Routes:  s.Routes,
		Problem: s.problem,
		Dropped: dropped[v.Device()],
		Silent:  e.silent(v.Name),
	}
	out.Interface = v.Device()
	out.Unannounced = e.unannounced(&v)
	// FRR announces a route whose interface is up, also if nobody is at the
	// interface's other end (seen with 8.4.4).
	out.Announced = s.Present && s.Routes > 0 && !s.failed
	return out
}

// unreadable are the VMs whose files cannot be used, and why: all of which the
// kernel has something, if the whole folder is missing.
func (e *Engine) unreadable() map[string]string {
	if e.Store.Known() {
		return e.Store.Bad()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	out := map[string]string{}
	for name := range e.held {
		out[name] = lostWhy
	}
	return out
}

// describeBad describes a VM whose file cannot be used: its addresses are those
// that are routed to it.
func (e *Engine) describeBad(name, why string, dropped map[string]uint64) vm.Observed {
	e.mu.Lock()
	h := e.held[name]
	e.mu.Unlock()
	v := vm.VM{Name: name, Interface: h.device}
	for _, a := range h.addrs {
		if a.Is4() {
			v.IPv4 = a
			continue
		}
		v.IPv6 = a
	}
	out := e.describe(v, dropped)
	out.FileError = why
	out.Problem = heldBack(why)
	return out
}

// heldBack is the problem of a VM about which nothing is done.
func heldBack(why string) string { return why + "; what it has in the kernel is left as it is" }
