package frr

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// confirmed: no change of FRR waits for its confirmation. It is the last
// of a host's steps: after a change the host is asked over a new connection
// whether every session that was up before is up again, whether its neighbor can
// be heard on it, and whether it carries the routes that it carried before.
type confirmed struct {
	rollback   *rollback
	neighbors  []netip.Addr // of the new configuration: others may be gone
	acceptLoss bool         // confirm whatever became of sessions and routes
	patience   patience
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
	lost, err := s.watch(ctx, h, *before)
	if err != nil {
		return errRolledBack{fmt.Errorf("the change could not be confirmed, so the host puts the old configuration back by itself within %s: %w", rollbackAfter, err)}
	}
	if lost.any() && !s.acceptLoss {
		err := errLost{loss: lost, within: s.patience.back}
		err.undo = s.rollback.now(ctx, h)
		if before.UpgradedFrom != "" {
			return errUpgradeLost{err, before.UpgradedFrom}
		}
		return err
	}
	return s.rollback.confirm(ctx, h, *before)
}

// errLost is an error with a hint: sessions or routes that did not come back.
type errLost struct {
	loss
	within time.Duration // how long they were waited for
	undo   error         // why the old configuration could not be put back at once
}

func (e errLost) Error() string {
	if e.undo != nil {
		return fmt.Sprintf("%s, and the old configuration could not be put back at once (%v): the host does it by itself within %s",
			e.text(e.within), e.undo, rollbackAfter)
	}
	return fmt.Sprintf("rolled back: %s; the old configuration runs again", e.text(e.within))
}

// RolledBack tells the runner not to try the change on other hosts.
func (e errLost) RolledBack() bool { return true }

func (e errLost) Hint() string {
	if len(e.down)+len(e.silent) > 0 {
		return "look at these neighbors first; if the loss is meant, as when the BGP password or the AS number changes on both ends, run init with --accept-session-loss"
	}
	return "which line of the plan, or of frr.extra, takes these routes away? If many VMs were stopped just then, run init again; if the loss is meant, run it with --accept-session-loss"
}

// errUpgradeLost is an error with a hint: an upgrade that sessions did not
// survive. A configuration can be put back by the host itself, a package not.
type errUpgradeLost struct {
	errLost
	older string
}

func (e errUpgradeLost) Error() string {
	return fmt.Sprintf("%s; FRR was upgraded from %s, and stays so", e.errLost.Error(), e.older)
}

func (e errUpgradeLost) Hint() string {
	return fmt.Sprintf("look at these neighbors, and at `journalctl -u frr` here; the old FRR comes back with "+
		"`apt-get install --allow-downgrades frr=%[1]s frr-pythontools=%[1]s` or `dnf downgrade frr-%[1]s` while the source has it; no other host was upgraded", e.older)
}
