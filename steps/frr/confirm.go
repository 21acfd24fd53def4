package frr

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
)

// confirmed: no change of FRR waits for its confirmation. It is the last
// of a host's steps: after a change the host is asked over a new connection
// whether every session that was up before is up again.
type confirmed struct {
	rollback   *rollback
	neighbors  []netip.Addr  // of the new configuration: others may be gone
	acceptLoss bool          // confirm even if sessions stay down
	patience   time.Duration // how long sessions may take to come back: sessionsBack
}

func (s confirmed) String() string { return "FRR's change is confirmed" }

func (s confirmed) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	out, err := r.Query(ctx, assets.Script("rollback-state.sh", rollbackDir)...)
	if err != nil {
		return nil, err
	}
	var diff step.Diff
	armed := false
	for line := range strings.Lines(out) {
		switch word, at, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "armed":
			armed = true
		case "restoring":
			return nil, errRestoring{}
		case "rolled-back":
			diff = append(diff, step.Change{Item: "note of a rollback", Have: "at " + at + " nobody had confirmed a change, and the old configuration was put back", Want: ""})
		}
	}
	// What this run has armed and is not there any more was not confirmed either.
	if armed || s.rollback.since != "" {
		diff = slices.Insert(diff, 0, step.Change{Item: "change of FRR", Have: "not confirmed", Want: "confirmed"})
	}
	return diff, nil
}

func (s confirmed) Apply(ctx context.Context, h step.Host) error {
	before, err := readArmed(ctx, h)
	if err != nil {
		return err
	}
	if before == nil {
		if s.rollback.since != "" {
			return errSelfRestored{}
		}
		return h.Run(ctx, "rm", "-f", rolledBack) // of an earlier run; Check has told
	}
	if err := startTimer(ctx, h); err != nil { // the full time for what follows
		return err
	}
	// A connection that was there before the change proves nothing about the
	// way to the host after it.
	if err := h.Close(); err != nil {
		return err
	}
	expected := slices.DeleteFunc(before.Peers, func(a netip.Addr) bool { return !slices.Contains(s.neighbors, a) })
	down, err := s.waitForSessions(ctx, h, expected)
	if err != nil {
		return errRolledBack{fmt.Errorf("the change could not be confirmed, so the host puts the old configuration back by itself within %s: %w", rollbackAfter, err)}
	}
	if len(down) > 0 && !s.acceptLoss {
		err := errSessionsLost{down: down}
		err.undo = s.rollback.now(ctx, h)
		if before.UpgradedFrom != "" {
			return errUpgradeLost{err, before.UpgradedFrom}
		}
		return err
	}
	return s.rollback.confirm(ctx, h, *before)
}

// waitForSessions returns the neighbors whose sessions did not come back.
func (s confirmed) waitForSessions(ctx context.Context, h step.Host, expected []netip.Addr) ([]netip.Addr, error) {
	deadline := time.Now().Add(s.patience)
	if s.acceptLoss {
		deadline = time.Now()
	}
	for {
		up, err := bgp.Established(ctx, h)
		if err != nil {
			return nil, err
		}
		down := slices.DeleteFunc(slices.Clone(expected), func(a netip.Addr) bool { return slices.Contains(up, a) })
		if len(down) == 0 || time.Now().After(deadline) {
			return down, nil
		}
		if err := step.Pause(ctx, 500*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// errSessionsLost is an error with a hint.
type errSessionsLost struct {
	down []netip.Addr
	undo error // why the old configuration could not be put back at once
}

func (e errSessionsLost) Error() string {
	var names []string
	for _, a := range e.down {
		names = append(names, a.String())
	}
	msg := fmt.Sprintf("rolled back: %d of the sessions that were up before did not come back within %s (%s); the old configuration runs again",
		len(e.down), sessionsBack, strings.Join(names, ", "))
	if e.undo != nil {
		msg = fmt.Sprintf("sessions did not come back within %s (%s), and the old configuration could not be put back at once (%v): the host does it by itself within %s",
			sessionsBack, strings.Join(names, ", "), e.undo, rollbackAfter)
	}
	return msg
}

// RolledBack tells the runner not to try the change on other hosts.
func (e errSessionsLost) RolledBack() bool { return true }

func (e errSessionsLost) Hint() string {
	return "look at these neighbors first; if the loss is meant, as when the BGP password or the AS number changes on both ends, run init with --accept-session-loss"
}

// errUpgradeLost is an error with a hint: an upgrade that sessions did not
// survive. A configuration can be put back by the host itself, a package not.
type errUpgradeLost struct {
	errSessionsLost
	older string
}

func (e errUpgradeLost) Error() string {
	return fmt.Sprintf("%s; FRR was upgraded from %s, and stays so", e.errSessionsLost.Error(), e.older)
}

func (e errUpgradeLost) Hint() string {
	return fmt.Sprintf("look at these neighbors, and at `journalctl -u frr` here; the old FRR comes back with "+
		"`apt-get install --allow-downgrades frr=%[1]s frr-pythontools=%[1]s` or `dnf downgrade frr-%[1]s` while the source has it; no other host was upgraded", e.older)
}
