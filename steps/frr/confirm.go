package frr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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
	rollback   rollback
	neighbors  []netip.Addr // of the new configuration: others may be gone
	acceptLoss bool         // confirm even if sessions stay down
}

func (s confirmed) String() string { return "FRR's change is confirmed" }

func (s confirmed) Check(ctx context.Context, r step.Reader) (step.Diff, error) {

	out, err := r.Query(ctx, assets.Script("rollback-state.sh", rollbackArmed, rolledBack)...)
	if err != nil {
		return nil, err
	}
	armed, restored, _ := strings.Cut(out, "\n")
	var diff step.Diff
	if armed != "" {
		diff = append(diff, step.Change{Item: "change of FRR", Have: "not confirmed", Want: "confirmed"})
	}
	if at := strings.TrimSpace(restored); at != "" {
		diff = append(diff, step.Change{Item: "note of a rollback", Have: "at " + at + " nobody had confirmed a change, and the old configuration was put back", Want: ""})
	}
	return diff, nil
}

func (s confirmed) Apply(ctx context.Context, h step.Host) error {
	data, err := h.ReadFile(ctx, rollbackArmed)
	if errors.Is(err, fs.ErrNotExist) {
		return h.Run(ctx, "rm", "-f", rolledBack)
	}
	if err != nil {
		return err
	}
	var before armedState
	if err := json.Unmarshal(data, &before); err != nil {
		return fmt.Errorf("%s: %v", rollbackArmed, err)
	}
	if err := s.rollback.arm(ctx, h); err != nil { // the full time for what follows
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
		return fmt.Errorf("the change could not be confirmed, so the host puts the old configuration back by itself within %s: %w", rollbackAfter, err)
	}
	if len(down) > 0 && !s.acceptLoss {
		err := errSessionsLost{down: down}
		err.undo = s.rollback.now(ctx, h)
		if older := olderFRR(ctx, h); older != "" {
			return errUpgradeLost{err, older}
		}
		return err
	}
	return errors.Join(s.rollback.disarm(ctx, h), h.Run(ctx, "rm", "-f", rolledBack))
}

// waitForSessions returns the neighbors whose sessions did not come back.
func (s confirmed) waitForSessions(ctx context.Context, h step.Host, expected []netip.Addr) ([]netip.Addr, error) {
	deadline := time.Now().Add(sessionsBack)
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

func (e errSessionsLost) RolledBack() bool { return true }

func (e errSessionsLost) Hint() string {
	return "look at these neighbors first; if the loss is meant, as when the BGP password or the AS number changes on both ends, run init with --accept-session-loss"
}
