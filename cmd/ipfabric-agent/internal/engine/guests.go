package engine

import (
	"context"
	"time"

	"ipfabric/inventory/vm"
)

// watchGuests waits for the first packet of every guest that is about to
// arrive, and stops waiting for those that no longer are. The caller holds
// work.
func (e *Engine) watchGuests() {
	e.mu.Lock()
	defer e.mu.Unlock()
	wanted := map[string]string{}
	e.Store.Each(func(v *vm.VM) {
		if s := e.states[v.Name]; v.Phase == vm.Waiting && s.Present && !s.failed {
			wanted[v.Name] = s.device
		}
	})
	for name, cancel := range e.waiting {
		if _, ok := wanted[name]; !ok {
			cancel()
			delete(e.waiting, name)
		}
	}
	for name, device := range wanted {
		if e.waiting[name] != nil {
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		e.waiting[name] = cancel
		go e.awaitGuest(ctx, name, device)
	}
}

// awaitGuest ends when the guest has arrived, the link is gone, or ctx is done.
func (e *Engine) awaitGuest(ctx context.Context, name, device string) {
	err := e.Guest(ctx, device)
	e.mu.Lock()
	ours := ctx.Err() == nil // or the entry is another's by now
	if ours {
		e.waiting[name]() // frees ctx; a link that comes back is waited for anew
		delete(e.waiting, name)
	}
	e.mu.Unlock()
	if !ours {
		return
	}
	if err != nil {
		e.Log.Debug("a guest is no longer waited for", "vm", name, "err", err)
		return
	}
	if err := e.arrived(name); err != nil {
		e.Log.Error("a guest has arrived but cannot be announced", "vm", name, "err", err)
		time.AfterFunc(time.Second, func() { e.pending.add(name, false) })
	}
}

// arrived announces a VM that has come by live migration.
func (e *Engine) arrived(name string) error {
	e.work.Lock()
	defer e.work.Unlock()
	v, ok := e.Store.Get(name)
	if !ok || v.Phase != vm.Waiting {
		return nil
	}
	v.Phase, v.Settle = vm.Migrating, e.Now().Add(settleAfter).UTC().Truncate(time.Second)
	if err := e.Store.Change(v); err != nil {
		// It is nowhere else any more: it is announced, room on the disk or not.
		e.Log.Error("that a guest has arrived is not stored", "vm", name, "err", err)
		e.lookAtDisk()
	}
	e.certain(name)
	e.Log.Info("the guest runs here now", "vm", name)
	return e.syncSome(context.Background(), map[string]bool{name: true})
}

func (e *Engine) stopWaiting() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, cancel := range e.waiting {
		cancel()
		delete(e.waiting, name)
	}
}
