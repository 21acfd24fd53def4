package frr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/steps/bgp"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

// Files of the rollback on a host. assets/node/frr-config.sh has the same names.
const (
	rollbackDir       = "/var/lib/ipfabric/rollback"
	rollbackArmed     = rollbackDir + "/armed"     // a change waits for its confirmation
	rollbackRestoring = rollbackDir + "/restoring" // the host is putting the old configuration back
	rolledBack        = rollbackDir + "/rolled-back"
	rollbackRunning   = rollbackDir + "/running.conf" // what FRR ran before the change
	scriptPath        = "/usr/local/sbin/ipfabric-frr-config"
	rollbackUnit      = "ipfabric-rollback"
)

const (
	// rollbackAfter is how long a host waits for the confirmation before it
	// helps itself.
	rollbackAfter = 3 * time.Minute
	// sessionsBack is how long sessions may take to come back. It leaves room
	// within rollbackAfter for the reload before it.
	sessionsBack = 60 * time.Second
)

// A rollback is commit-confirm for FRR on one host. Armed, the host itself
// restores FRR's configuration after rollbackAfter, whatever becomes of the
// operator's machine or of the way to it. The timer does not survive a reboot of
// the host: that starts the new configuration, which FRR's parser has accepted.
//
// All steps of a host share one.
type rollback struct {
	since string // of the state that this run has armed and not confirmed; "" is none
}

// armedState is the file rollbackArmed. Since names the change: only who knows
// it can confirm the change.
type armedState struct {
	Since        time.Time
	Peers        []netip.Addr // neighbors with an Established session before the change
	Sessions     sessions     `json:",omitempty"` // what these carried; an older ipfabric did not say
	UpgradedFrom string       `json:",omitempty"` // FRR's package version before an upgrade
}

func (s armedState) since() string { return s.Since.Format(time.RFC3339Nano) }

// readArmed returns nil if no change waits for its confirmation.
func readArmed(ctx context.Context, r step.Reader) (*armedState, error) {
	data, err := r.ReadFile(ctx, rollbackArmed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var s armedState
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("%s: %v", rollbackArmed, err)
	}
	return &s, nil
}

func (s armedState) write(ctx context.Context, h step.Host) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return host.WriteFile(ctx, h, host.File{Path: rollbackArmed, Data: append(data, '\n'), Mode: 0o600})
}

// arm keeps a copy of what FRR runs now and starts the timer. If it is armed
// already, by an earlier step or by a run that was cut off, the copy stays,
// which is the last confirmed state, and the time begins anew. An FRR that
// does not run has nothing to go back to: then nothing is armed, and arm
// returns false.
func (rb *rollback) arm(ctx context.Context, h step.Host, upgradedFrom string) (bool, error) {
	switch _, err := h.ReadFile(ctx, rollbackRestoring); {
	case err == nil:
		return false, errRestoring{} // what runs now is not what was confirmed last
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	state, err := readArmed(ctx, h)
	if err != nil {
		return false, err
	}
	if state == nil {
		if state, err = save(ctx, h, upgradedFrom); err != nil || state == nil {
			return false, err
		}
	}
	if err := startTimer(ctx, h); err != nil {
		return false, err
	}
	if state.UpgradedFrom == "" && upgradedFrom != "" { // armed by an earlier step
		state.UpgradedFrom = upgradedFrom
		if err := state.write(ctx, h); err != nil {
			return false, err
		}
	}
	rb.since = state.since()
	return true, nil
}

// save copies the configuration and the names of the Established neighbors;
// the file rollbackArmed comes last and makes the copy count. It returns nil if
// FRR does not run.
func save(ctx context.Context, h step.Host, upgradedFrom string) (*armedState, error) {
	running, err := runningConf(ctx, h)
	if err != nil {
		if step.ExitStatus(err) >= 0 {
			return nil, nil
		}
		return nil, err
	}
	before, err := bgp.Sessions(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := h.Run(ctx, "install", "-d", "-m", "0700", rollbackDir); err != nil {
		return nil, err
	}
	if err := host.WriteFile(ctx, h, confFile(rollbackRunning, []byte(configOnly(running)))); err != nil {
		return nil, err
	}
	if err := h.Run(ctx, assets.Script("keep-files.sh", rollbackDir, confPath, daemonsPath)...); err != nil {
		return nil, fmt.Errorf("no copy could be made that a rollback needs, so nothing was changed: %w", err)
	}
	peers := slices.SortedFunc(maps.Keys(before), netip.Addr.Compare)
	state := &armedState{Since: time.Now().UTC(), Peers: peers, Sessions: before, UpgradedFrom: upgradedFrom}
	return state, state.write(ctx, h)
}

// configOnly cuts what vtysh prints before the configuration.
func configOnly(running string) string {
	_, conf, found := strings.Cut(running, "Current configuration:\n")
	if !found {
		return running
	}
	return conf
}

// startTimer starts the timer anew. It fails if nothing is armed any more.
func startTimer(ctx context.Context, h step.Host) error {
	seconds := strconv.Itoa(int(rollbackAfter.Seconds()))
	return h.Run(ctx, assets.Script("start-timer.sh", rollbackUnit, seconds, scriptPath, rollbackArmed)...)
}

// now restores the old configuration without waiting for the timer. Where that
// fails the timer is left to run.
func (rb *rollback) now(ctx context.Context, h step.Host) error {
	if err := h.Run(ctx, scriptPath, "rollback"); err != nil {
		return err
	}
	rb.since = ""
	return errors.Join(h.Run(ctx, assets.Script("stop-timer.sh", rollbackUnit)...), h.Run(ctx, "rm", "-f", rolledBack))
}

// confirm makes the change final, unless the host has taken it back.
func (rb *rollback) confirm(ctx context.Context, h step.Host, state armedState) error {
	err := h.Run(ctx, scriptPath, "confirm", state.since())
	if step.ExitStatus(err) == 3 {
		return errSelfRestored{}
	}
	if err == nil {
		rb.since = ""
	}
	return err
}

// errRestoring is an error with a hint: the host tries to put the old
// configuration back and cannot.
type errRestoring struct{}

func (errRestoring) Error() string {
	return "the host is putting FRR's old configuration back, and has not done it yet"
}

func (errRestoring) Hint() string {
	return "is there room in /etc/frr on the host? It tries again every few seconds, and `journalctl -u " + rollbackUnit + "` says what keeps it"
}

// errSelfRestored is an error with a hint: the host has rolled back by itself
// what this run has changed.
type errSelfRestored struct{}

func (errSelfRestored) Error() string {
	return fmt.Sprintf("rolled back: the change was not confirmed within %s, so the host has put the old configuration back by itself", rollbackAfter)
}

// RolledBack tells the runner not to try the change on other hosts.
func (errSelfRestored) RolledBack() bool { return true }

func (errSelfRestored) Hint() string {
	return "was ipfabric stopped, or the way to the host cut, for minutes? Then run init again; `journalctl -u " + rollbackUnit + "` on the host says what it has done"
}
