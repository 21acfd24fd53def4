package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"ipfabric/remote"
	"ipfabric/steps/vms"
)

// vmLockPath is on every node, and held by who adds, moves or removes a VM.
const vmLockPath = "/run/ipfabric-lock/vms"

const (
	vmLockPatience = 30 * time.Second
	vmLockRetry    = 300 * time.Millisecond
)

// lockVMs takes the lock of the VMs on all of these nodes, or on none. Nodes
// that give no answer are returned instead.
//
// The first try takes all at the same time. Who finds one locked gives all back
// before waiting: so nobody waits for ever. From then on the first node, by
// name, decides between two operators, and the others follow.
func (s *Session) lockVMs(ctx context.Context, hosts []string) (unlock func(), silent []vms.Silent, err error) {
	names := slices.Sorted(slices.Values(hosts))
	note := lockNote(s.command)
	said := false
	for deadline, inTurn := time.Now().Add(vmLockPatience), false; ; inTurn = true {
		var held *vmLocks
		held, err = s.tryVMLocks(ctx, names, note, inTurn)
		if err == nil {
			return held.release, held.silent, nil
		}
		var locked *remote.LockedError
		if !errors.As(err, &locked) || time.Now().After(deadline) {
			return nil, nil, err
		}
		if !said {
			s.Say.Note("%s; waiting up to %s", locked, vmLockPatience)
			said = true
		}
		select {
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		case <-s.Signals.stop:
			return nil, nil, vms.ErrInterrupted
		case <-time.After(vmLockRetry + rand.N(vmLockRetry)):
		}
	}
}

// vmLocks are the locks of some nodes.
type vmLocks struct {
	mu       sync.Mutex
	releases []func()
	silent   []vms.Silent
	busy     error // one of the nodes is locked by somebody else
}

// tryVMLocks is one attempt. Its error is that a node is locked, or ctx's.
func (s *Session) tryVMLocks(ctx context.Context, names []string, note string, inTurn bool) (*vmLocks, error) {
	l := &vmLocks{}
	for inTurn && len(names) > 0 && len(l.releases) == 0 && l.busy == nil && ctx.Err() == nil {
		l.take(ctx, s.fleet, names[0], note)
		names = names[1:]
	}
	if l.busy == nil && ctx.Err() == nil {
		var wg sync.WaitGroup
		for _, name := range names {
			wg.Add(1)
			go func() {
				defer wg.Done()
				l.take(ctx, s.fleet, name, note)
			}()
		}
		wg.Wait()
	}
	if err := errors.Join(l.busy, context.Cause(ctx)); err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func (l *vmLocks) take(ctx context.Context, f *fleet, name, note string) {
	var release func()
	m, err := f.machine(ctx, name)
	if err == nil {
		release, err = m.Lock(ctx, vmLockPath, note)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var locked *remote.LockedError
	switch {
	case err == nil:
		l.releases = append(l.releases, release)
	case errors.As(err, &locked):
		l.busy = err
	default:
		l.silent = append(l.silent, vms.Silent{Host: name, Err: err})
	}
}

// release gives all locks back.
func (l *vmLocks) release() {
	var wg sync.WaitGroup
	for _, release := range l.releases {
		wg.Add(1)
		go func() {
			defer wg.Done()
			release()
		}()
	}
	wg.Wait()
}
