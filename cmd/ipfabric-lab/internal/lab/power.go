package lab

import (
	"context"
	"time"

	"ipfabric/cmd/ipfabric-lab/internal/machine"
)

// Start boots one machine again, with the disk that it had.
func (l *Lab) Start(ctx context.Context, name string) error {
	if _, err := l.Machine(name); err != nil {
		return err
	}
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	m, err := l.Machine(name) // again: before, somebody else may have held the lock
	if err != nil {
		return err
	}
	s, err := l.load()
	if err != nil {
		return err
	}
	if err := l.checkHost(ctx); err != nil {
		return err
	}
	n, err := l.ensureNetwork(ctx, s)
	if err != nil {
		return err
	}
	all, err := l.Machines()
	if err != nil {
		return err
	}
	if err := l.boot(ctx, lock, n, []*machine.Machine{m}, all); err != nil {
		return err
	}
	return l.configureCores(ctx, []*machine.Machine{m})
}

// Stop shuts one machine down cleanly, or cuts its power.
func (l *Lab) Stop(ctx context.Context, name string, power bool) error {
	lock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock(lock)
	m, err := l.Machine(name)
	if err != nil {
		return err
	}
	if !m.Running() {
		l.Say("%s: stopped already", m.Name)
		return m.Kill(ctx) // removes what a machine that died leaves
	}
	if power {
		if err := m.CutPower(ctx); err != nil {
			return err
		}
		l.Say("%s: power cut", m.Name)
		return nil
	}
	killed, err := m.PowerOff(ctx, 30*time.Second)
	if err != nil {
		return err
	}
	if killed {
		l.Say("%s: did not shut down in 30 s; power cut", m.Name)
		return nil
	}
	l.Say("%s: shut down", m.Name)
	return nil
}
