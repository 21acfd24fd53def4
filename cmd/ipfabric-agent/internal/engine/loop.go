package engine

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"sync"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

const (
	fullPass = time.Minute            // everything is looked at at least this often
	quiet    = 20 * time.Millisecond  // events that come closer together are dealt with together
	patience = 250 * time.Millisecond // but not later than this
	many     = 50                     // VMs: from here on, looking at all is cheaper
)

// pending is where to look.
type pending struct {
	mu     sync.Mutex
	places places
	wake   chan struct{}
}

// places are where to look.
type places struct {
	names  map[string]bool // VMs
	routes map[int]bool    // links that there are new routes of the agent's over
	all    bool
}

func (p *pending) add(name string, all bool) {
	p.note(func(at *places) {
		at.all = at.all || all
		if name != "" {
			at.names[name] = true
		}
	})
}

func (p *pending) note(what func(*places)) {
	p.mu.Lock()
	if p.places.names == nil {
		p.places = places{names: map[string]bool{}, routes: map[int]bool{}}
	}
	what(&p.places)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pending) take() places {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.places
	p.places = places{}
	return out
}

// Changed takes an event of the kernel: the engine will look there.
func (e *Engine) Changed(ev kernel.Event) {
	if ev.All || ev.Firewall || e.heldRenamed(ev) {
		e.pending.add("", true)
		return
	}
	name, owner := e.at(ev.Device, ev.Index), e.owner(ev.Addr)
	if owner != "" && owner != name {
		e.pending.add(owner, false) // the new route may stand where its own stood
	}
	if name != "" {
		e.pending.add(name, false)
		return
	}
	if ev.Route {
		e.pending.note(func(at *places) { at.routes[ev.Index] = true })
	}
}

// heldRenamed says whether the link of a VM about which nothing is done got
// another name, for which there are no rules.
func (e *Engine) heldRenamed(ev kernel.Event) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.held {
		if ev.Device != "" && h.Index == ev.Index && h.device != ev.Device {
			return true
		}
	}
	return false
}

// owner says which VM has an address.
func (e *Engine) owner(a netip.Addr) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name := e.owners[a]; e.states[name].device != "" {
		return name
	}
	return ""
}

// at says which VM a link is of.
func (e *Engine) at(device string, index int) string {
	if device == "" && index == 0 {
		return ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, s := range e.states {
		if device != "" && s.device == device || index != 0 && s.Index == index {
			return name
		}
	}
	return ""
}

// Start looks at everything once. What it finds wrong but cannot put right is
// a problem of the status, not of the start: the agent goes on trying.
func (e *Engine) Start(ctx context.Context) {
	e.work.Lock()
	defer e.work.Unlock()
	if err := e.syncAll(ctx); err != nil {
		e.Log.Error("the first look at everything", "err", err)
	}
	e.watchGuests()
}

// Run keeps everything in the wanted state until ctx is done.
func (e *Engine) Run(ctx context.Context) error {
	full := time.NewTicker(fullPass)
	defer full.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	defer e.stopWaiting()
	var retry backoff
	for {
		var look places
		select {
		case <-ctx.Done():
			return nil
		case <-full.C:
			look.all = true
		case <-tick.C:
			look.names = e.settle()
			maps.Copy(look.names, e.resolve(ctx))
			look.all = retry.due(e.failing(), time.Now())
		case <-e.pending.wake:
			e.debounce(ctx)
			look = e.pending.take()
		}
		e.work.Lock() // waits for a pass that runs: one that hangs must not look alive
		e.alive()
		err := e.sync(ctx, look)
		e.watchGuests()
		e.work.Unlock()
		if look.all {
			_, _ = e.lookForObstacles(ctx) // for the log; the status tells of an error
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			e.Log.Debug("pass", "err", err)
		}
	}
}

// sync looks at the places that are pending. The caller holds work.
func (e *Engine) sync(ctx context.Context, look places) error {
	all := look.all || len(look.names) > many
	for index := range look.routes {
		// By now the agent knows the links that it has made itself: any other
		// that one of its routes leads over was made by another program.
		all = all || e.at("", index) == "" && !e.was(index)
	}
	if all {
		return e.syncAll(ctx)
	}
	if len(look.names) == 0 {
		return nil
	}
	return e.syncSome(ctx, look.names)
}

// was says whether a link was a VM's until lately.
func (e *Engine) was(index int) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return index != 0 && e.former[index]
}

// debounce waits until no more events come, though not for long: a guest whose
// interface flaps must not delay the others.
func (e *Engine) debounce(ctx context.Context) {
	limit := time.After(patience)
	for {
		select {
		case <-ctx.Done():
			return
		case <-limit:
			return
		case <-time.After(quiet):
			return
		case <-e.pending.wake:
		}
	}
}

// failing says whether something could not be done.
func (e *Engine) failing() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, problem := range e.global {
		if problem != "" {
			return true
		}
	}
	for _, s := range e.states {
		if s.failed {
			return true
		}
	}
	return false
}

// A backoff says when to try again what failed: after 1 s at first, then after
// twice as long each time, 1 min at most.
type backoff struct {
	wait time.Duration
	next time.Time
}

func (b *backoff) due(failing bool, now time.Time) bool {
	if !failing {
		b.wait = 0
		return false
	}
	if b.wait != 0 && now.Before(b.next) {
		return false
	}
	due := b.wait != 0
	b.wait = min(max(2*b.wait, time.Second), time.Minute)
	b.next = now.Add(b.wait)
	return due
}

// settleAfter is how long a VM that has arrived by live migration is preferred
// over the node it left. By then that node has withdrawn it.
const settleAfter = 30 * time.Second

// settle makes VMs live that have been preferred for long enough. It returns
// their names.
func (e *Engine) settle() map[string]bool {
	e.work.Lock()
	defer e.work.Unlock()
	var due []vm.VM
	e.Store.Each(func(v *vm.VM) {
		if v.Phase == vm.Migrating && !v.Settle.IsZero() && !e.Now().Before(v.Settle) {
			due = append(due, *v)
		}
	})
	names := map[string]bool{}
	for _, v := range due {
		v.Phase, v.Settle = vm.Live, time.Time{}
		if err := e.Store.Put(v); err != nil {
			e.Log.Warn("a VM cannot be settled", "vm", v.Name, "err", err)
			continue
		}
		e.Log.Info("the VM has settled", "vm", v.Name)
		names[v.Name] = true
	}
	return names
}
