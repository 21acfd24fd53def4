package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"ipfabric/cmd/ipfabric-lab/internal/bridge"
	"ipfabric/cmd/ipfabric-lab/internal/flock"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/inventory"
)

// bootTimeout is how long a machine may take until its sshd answers. It takes
// a second or two; a busy host may need more.
const bootTimeout = 2 * time.Minute

// Options say what Up is to make.
type Options struct {
	// Size of the lab. A negative number leaves what is there, and is the
	// default's for a new lab.
	Size plan.Size
	// OS is what machines get that are made now. NodeOS and ReflectorOS, if
	// there are any, are gone through by the machines of that role instead:
	// the first one for rr1, the second for rr2, and so on round.
	OS                  string
	NodeOS, ReflectorOS []string
	Mirror              bool // serve mirrors of FRR
}

// DefaultSize is what a new lab has unless told otherwise.
func DefaultSize() plan.Size { return plan.Size{Cores: 1, Reflectors: 2, Nodes: 3} }

// Up makes the lab be there with all its machines running, and writes the
// files that ipfabric needs. What is there already is left as it is.
func (l *Lab) Up(ctx context.Context, o Options) error {
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	// Not removed: a machine's first process may still hold it if this ends
	// early. Down removes it.
	defer lock.Release()
	s, err := l.claim()
	if err != nil {
		unlock(lock)
		return err
	}
	if err := l.checkHost(ctx); err != nil {
		return err
	}
	have, err := l.Machines()
	if err != nil {
		return err
	}
	s.Size = wantedSize(o.Size, s.Size)
	if err := s.Size.Check(); err != nil {
		return err
	}
	if err := l.save(s); err != nil {
		return err
	}
	key, err := l.writeKey()
	if err != nil {
		return err
	}
	if s.Network, err = l.ensureNetwork(ctx, s); err != nil {
		return err
	}
	if err := l.save(s); err != nil {
		return err
	}
	all, err := l.create(ctx, have, s, o, key)
	if err != nil {
		return err
	}
	if err := l.writeKnownHosts(all); err != nil {
		return err
	}
	if err := l.writeFabric(&s, plans(all)); err != nil {
		return err
	}
	if err := l.addMirrors(ctx, all, o.Mirror); err != nil {
		return err
	}
	if err := l.boot(ctx, lock, s.Network, all, all); err != nil {
		return err
	}
	if err := l.waitMirror(ctx, all); err != nil {
		return err
	}
	l.warnOfFirewall(ctx)
	return l.configureCores(ctx, all)
}

// wantedSize fills in what was not said from what the lab was told before, the
// zero size for a new one. Machines are added, never taken away.
func wantedSize(want, before plan.Size) plan.Size {
	if before == (plan.Size{}) {
		d := DefaultSize()
		return plan.Size{
			Cores:      said(want.Cores, d.Cores),
			Reflectors: said(want.Reflectors, d.Reflectors),
			Nodes:      said(want.Nodes, d.Nodes),
		}
	}
	return plan.Size{
		Cores:      max(want.Cores, before.Cores),
		Reflectors: max(want.Reflectors, before.Reflectors),
		Nodes:      max(want.Nodes, before.Nodes),
	}
}

// said is n, or the default if n is the negative number that means unsaid.
func said(n, otherwise int) int {
	if n < 0 {
		return otherwise
	}
	return n
}

func (l *Lab) ensureNetwork(ctx context.Context, s state) (plan.Network, error) {
	n, made, err := bridge.Ensure(ctx, l.ID, l.Dir, s.Network)
	if err != nil {
		return 0, err
	}
	if made {
		l.Say("network: bridge %s with %s and %s", n.Bridge(), n.Prefix4(), n.Prefix6())
	}
	return n, nil
}

// boot starts the machines that do not run and waits until all can be logged
// in to.
func (l *Lab) boot(ctx context.Context, lock *flock.Lock, n plan.Network, some, all []*machine.Machine) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	begun := time.Now()
	errs := make([]error, len(some))
	var wg sync.WaitGroup
	for i, m := range some {
		running := m.Running()
		if !running {
			if errs[i] = m.Start(ctx, n.Bridge(), lock.File, plans(all)); errs[i] != nil {
				continue
			}
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			if errs[i] = m.Wait(ctx); errs[i] != nil {
				return
			}
			if running {
				l.Say("%s: runs already", m.Name)
				return
			}
			l.Say("%s: up after %.1f s, %s", m.Name, time.Since(begun).Seconds(), m.IPv4)
		}()
	}
	wg.Wait()
	if err := context.Cause(ctx); errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(errs...)
}

func (l *Lab) warnOfFirewall(ctx context.Context) {
	chain, err := bridge.Blocked(ctx)
	if err == nil && chain != "" {
		l.Say("warning: this host's firewall drops forwarded packets (chain %s): machines may not reach the package mirrors; `ipfabric help lab` says how to let them", chain)
	}
}

// Missing returns the machines that fabric.yaml does not have, because it has
// been edited. It returns an error if ipfabric would refuse the file.
func (l *Lab) Missing() ([]plan.Machine, error) {
	f, err := l.fabric()
	if err != nil {
		return nil, err
	}
	all, err := l.Machines()
	if err != nil {
		return nil, err
	}
	var out []plan.Machine
	for _, m := range all {
		h, ok := f.Host(m.Name)
		if !ok || h.IPv4 != m.IPv4 {
			out = append(out, m.Machine)
		}
	}
	return out, nil
}

// fabric reads the lab's fabric.yaml, with its password.
func (l *Lab) fabric() (*inventory.Fabric, error) {
	f, _, err := inventory.Load(l.path("fabric.yaml"))
	if err != nil {
		return nil, fmt.Errorf("fabric.yaml: %w", err)
	}
	return f, f.ReadSecrets(os.LookupEnv, inventory.ReadSecretFile)
}
