package frr

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/steps/step"
)

// A change is a step that changes what FRR runs, or reads when it starts. It has
// no Apply, so it is no step.Step by itself: guarded makes one of it, which arms
// the rollback before anything is changed.
type change interface {
	String() string
	Check(context.Context, step.Reader) (step.Diff, error)
	// prepare does all that is possible while FRR stays as it is: what takes
	// long, and what may refuse the change.
	prepare(context.Context, step.Host) (prepared, error)
}

// A prepared change needs nothing but to be made.
type prepared struct {
	// apply makes the change. An error that is an errRefused takes it back at
	// once; after any other the host takes it back by itself, unless a later
	// run confirms it.
	apply func(context.Context) error
	// upgradedFrom is the version of FRR's package that the change replaces,
	// "" if it replaces none.
	upgradedFrom string
}

// A guarded change is made under an armed rollback.
type guarded struct {
	change
	rollback *rollback
}

// Apply makes the change: prepare, arm, apply.
func (g guarded) Apply(ctx context.Context, h step.Host) error {
	p, err := g.prepare(ctx, h)
	if err != nil {
		return err
	}
	armed, err := g.rollback.arm(ctx, h, p.upgradedFrom)
	if err != nil {
		return err
	}
	err = p.apply(ctx)
	var refused errRefused
	if !armed || !errors.As(err, &refused) {
		return err
	}
	if back := g.rollback.now(ctx, h); back != nil {
		return errRolledBack{fmt.Errorf("%w; the old configuration could not be put back at once (%v), the host does it by itself within %s", err, back, rollbackAfter)}
	}
	return errRolledBack{fmt.Errorf("FRR refused a part of the new configuration, the old one is back in place: %w", err)}
}

// errRefused is a change that FRR took in part only: it must be taken back.
type errRefused struct{ err error }

func (e errRefused) Error() string { return e.err.Error() }
func (e errRefused) Unwrap() error { return e.err }

// errRolledBack is a change that was made and taken back, or that the host is
// about to take back by itself. The same change would fare no better on the next
// host.
type errRolledBack struct{ err error }

func (e errRolledBack) Error() string { return e.err.Error() }
func (e errRolledBack) Unwrap() error { return e.err }

// RolledBack tells the runner not to try the change on other hosts.
func (e errRolledBack) RolledBack() bool { return true }
