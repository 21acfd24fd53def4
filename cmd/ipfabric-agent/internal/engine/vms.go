package engine

import (
	"bytes"
	"context"
	"time"

	"ipfabric/inventory/vm"
)

// Add makes a VM wanted here. If the very same VM already is, nothing happens.
func (e *Engine) Add(ctx context.Context, v vm.VM) (out vm.Observed, created bool, err error) {
	v.Source, v.Settle = vm.API, time.Time{}
	if err := e.complete(&v); err != nil {
		return vm.Observed{}, false, err
	}
	if err := e.Kernel.Accounts(v.Owner, v.Group); err != nil {
		return vm.Observed{}, false, vm.Errorf(vm.Invalid, "VM %s: %v", v.Name, err).
			WithHint("name one of /etc/passwd or /etc/group, or its number; libvirt's QEMU runs as libvirt-qemu or qemu")
	}
	e.work.Lock()
	defer e.work.Unlock()
	if err := inTime(ctx); err != nil {
		return vm.Observed{}, false, err
	}
	if have, ok := e.Store.Get(v.Name); ok {
		if have.Same(&v) {
			return e.describe(have, nil), false, nil
		}
		return vm.Observed{}, false, vm.Errorf(vm.Conflict, "VM %s is on this node already, with %s", v.Name, summary(&have)).
			WithHint("ipfabric-agent vm remove %s, or take another name", v.Name)
	}
	if err := e.conflictOff(&v); err != nil {
		return vm.Observed{}, false, err
	}
	if err := e.keepsAddrs(&v); err != nil {
		return vm.Observed{}, false, err
	}
	if err := e.store(ctx, v); err != nil {
		return vm.Observed{}, false, err
	}
	return e.describe(v, nil), true, nil
}

// complete fills in what was left out, and says what is wrong.
func (e *Engine) complete(v *vm.VM) error {
	if v.Link == "" && e.Config.Virtualization == "lxd" {
		v.Link = vm.Existing
	}
	if err := v.Check(); err != nil {
		return vm.Errorf(vm.Invalid, "%v", err)
	}
	if bytes.Equal(v.MAC, e.Config.Gateway.MAC) {
		return vm.Errorf(vm.Invalid, "VM %s: %s is the MAC address of the gateway of all VMs", v.Name, v.MAC)
	}
	return e.inPools(v)
}

// store adds or replaces a VM and brings it into its state. The caller holds
// work.
func (e *Engine) store(ctx context.Context, v vm.VM) error {
	if err := e.conflict(&v); err != nil {
		return err
	}
	if err := e.hostsOwn(ctx, v); err != nil {
		return err
	}
	if err := e.roomFor(&v); err != nil {
		return err
	}
	if err := e.Store.Put(v); err != nil {
		return e.storeError("VM "+v.Name+" is not added", err)
	}
	e.mu.Lock()
	delete(e.held, v.Name)
	e.mu.Unlock()
	e.noteDomain(v.Name, nil)
	e.Log.Info("VM stored", "vm", v.Name, "source", v.Source, "phase", v.Phase)
	e.apply(ctx, v.Name)
	return nil
}

func summary(v *vm.VM) string {
	s := ""
	for _, a := range v.Addrs() {
		s += a.String() + " "
	}
	return s + "on interface " + v.Device() + ", wanted by " + string(v.Source)
}

// apply brings one VM into its new state at once. What fails is in the VM's
// state, and is tried again. The work goes on when the client has gone.
func (e *Engine) apply(ctx context.Context, name string) {
	ctx = context.WithoutCancel(ctx)
	// Twice: the second look finds what the first has made of it, such as
	// whether a guest is there now that the interface is up.
	for range 2 {
		if err := e.syncSome(ctx, map[string]bool{name: true}); err != nil {
			e.Log.Warn("a change is not complete", "vm", name, "err", err)
			break
		}
	}
	e.watchGuests()
}

func (e *Engine) inPools(v *vm.VM) error {
	for _, a := range v.Addrs() {
		if a == e.Config.Gateway.IPv4 || a == e.Config.Gateway.IPv6 {
			return vm.Errorf(vm.Invalid, "VM %s: %s is the gateway of all VMs", v.Name, a)
		}
		if !e.pooled(a) {
			return vm.Errorf(vm.Invalid, "VM %s: %s is in none of the fabric's pools", v.Name, a).
				WithHint("the pools are %v", e.Config.Pools)
		}
	}
	return nil
}

// conflict says who has what the VM wants.
func (e *Engine) conflict(v *vm.VM) error {
	var what, who string
	e.Store.Each(func(o *vm.VM) {
		switch {
		case o.Name == v.Name:
			return
		case o.Device() == v.Device():
			what, who = "interface "+v.Device(), o.Name
		case v.IPv4.IsValid() && o.IPv4 == v.IPv4:
			what, who = v.IPv4.String(), o.Name
		case v.IPv6.IsValid() && o.IPv6 == v.IPv6:
			what, who = v.IPv6.String(), o.Name
		}
	})
	for _, a := range v.Addrs() {
		if name := e.routedTo(a, v.Name); name != "" && who == "" {
			what, who = a.String(), name
		}
	}
	if who == "" {
		return nil
	}
	return vm.Errorf(vm.Conflict, "VM %s: %s is VM %s's", v.Name, what, who)
}

// SetPhase changes how a VM is announced.
func (e *Engine) SetPhase(ctx context.Context, name string, p vm.Phase) (vm.Observed, error) {
	e.work.Lock()
	defer e.work.Unlock()
	if err := inTime(ctx); err != nil {
		return vm.Observed{}, err
	}
	v, ok := e.Store.Get(name)
	if !ok {
		return vm.Observed{}, e.noSuchVM(name)
	}
	if err := e.setPhase(ctx, v, p); err != nil {
		return vm.Observed{}, err
	}
	v.Phase, v.Settle = p, time.Time{}
	return e.describe(v, nil), nil
}

// setPhase does it. The caller holds work.
func (e *Engine) setPhase(ctx context.Context, v vm.VM, p vm.Phase) error {
	v.Phase, v.Settle = p, time.Time{}
	if err := v.Check(); err != nil || p == "" {
		return vm.Errorf(vm.Invalid,
			"phase %.20q: write live, waiting, migrating or withdrawn", string(p))
	}
	if err := e.roomFor(&v); err != nil {
		return err
	}
	if err := e.Store.Put(v); err != nil {
		return e.storeError("VM "+v.Name+" is not changed", err)
	}
	e.certain(v.Name)
	e.Log.Info("VM changed", "vm", v.Name, "phase", p)
	e.apply(ctx, v.Name)
	return nil
}

// Remove makes a VM unwanted: its routes go, and the interface if the agent
// made it.
func (e *Engine) Remove(ctx context.Context, name string) error { return e.remove(ctx, name, false) }

// HandOver removes a VM that another node announces by now, without a moment in
// which this node's own VMs do not reach it.
func (e *Engine) HandOver(ctx context.Context, name string) error { return e.remove(ctx, name, true) }

func (e *Engine) remove(ctx context.Context, name string, handOver bool) error {
	e.work.Lock()
	defer e.work.Unlock()
	if err := inTime(ctx); err != nil {
		return err
	}
	_, bad := e.Store.Bad()[name]
	v, ok := e.Store.Get(name)
	if !ok && !bad {
		return e.noSuchVM(name)
	}
	if err := e.Store.Delete(name); err != nil {
		return e.storeError("VM "+name+" is not removed", err)
	}
	e.Log.Info("VM removed", "vm", name)
	e.Note("elsewhere "+name, "")
	e.certain(name)
	if bad {
		// Where it was is not known: only a look at everything finds it.
		return e.syncAll(context.WithoutCancel(ctx))
	}
	if handOver {
		e.fallBack(v)
	}
	e.apply(ctx, name)
	return nil
}

// Drain withdraws all VMs of this node, or announces them again.
func (e *Engine) Drain(ctx context.Context, drained bool) error {
	e.work.Lock()
	defer e.work.Unlock()
	if drained {
		// What is held may have changed since the last look.
		if err := e.syncAll(context.WithoutCancel(ctx)); err != nil {
			e.Log.Warn("before the drain", "err", err)
		}
		if err := e.withhold(); err != nil {
			return e.storeError("nothing is changed", err)
		}
	}
	if err := e.Store.SetDrained(drained); err != nil {
		return e.storeError("nothing is changed", err)
	}
	e.Log.Info("drain", "drained", drained)
	return e.syncAll(context.WithoutCancel(ctx))
}

// Reconcile looks at everything now.
func (e *Engine) Reconcile(ctx context.Context) error {
	e.work.Lock()
	defer e.work.Unlock()
	err := e.syncAll(context.WithoutCancel(ctx))
	e.watchGuests()
	return err
}

// put adds a VM of a source, or replaces the one of the same source and name.
// Its phase stays as it is unless v has one. A VM that was added by another
// source is left alone.
func (e *Engine) put(ctx context.Context, v vm.VM) error {
	phase := v.Phase
	if err := e.complete(&v); err != nil {
		return err
	}
	e.work.Lock()
	defer e.work.Unlock()
	if err := inTime(ctx); err != nil {
		return err
	}
	have, ok := e.Store.Get(v.Name)
	if ok && have.Source != v.Source {
		e.Log.Debug("another source has added this VM already", "vm", v.Name, "by", have.Source)
		return nil
	}
	if ok && phase == "" {
		v.Phase, v.Settle = have.Phase, have.Settle
	}
	if ok && have.Same(&v) && have.Phase == v.Phase {
		return nil
	}
	if v.Announced() {
		e.noteElsewhere(v)
	}
	return e.store(ctx, v)
}
