package frr

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/steps/bgp"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const (
	rollbackDir   = "/var/lib/ipfabric/rollback"
	rollbackArmed = rollbackDir + "/armed"
	rolledBack    = rollbackDir + "/rolled-back"
	scriptPath    = "/usr/local/sbin/ipfabric-frr-config"
	rollbackUnit  = "ipfabric-rollback"

	// rollbackAfter is how long a host waits for the confirmation before it
	// helps itself.
	rollbackAfter = 3 * time.Minute
	// sessionsBack is how long sessions may take to come back. It leaves room
	// within rollbackAfter for the reload before it.
	sessionsBack = 60 * time.Second
)

// A rollback is commit-confirm for FRR. Armed, the host itself restores FRR's
// configuration after rollbackAfter, whatever becomes of the operator's
// machine or of the way to it. The timer does not survive a reboot of the
// host: that starts the new configuration, which FRR's parser has accepted.
type rollback struct{}

// armedState is the file rollbackArmed.
type armedState struct {
	Since time.Time
	Peers []netip.Addr // neighbors with an Established session before the change
}

// arm keeps a copy of what FRR runs now and starts the timer. If it is armed
// already, by an earlier step or by a run that was cut off, the copy stays,
// which is the last confirmed state, and the time begins anew. An FRR that
// does not run has nothing to go back to: then nothing is armed.
func (rb rollback) arm(ctx context.Context, h step.Host) error {
	if _, err := h.ReadFile(ctx, rollbackArmed); errors.Is(err, fs.ErrNotExist) {
		saved, err := rb.save(ctx, h)
		if err != nil || !saved {
			return err
		}
	} else if err != nil {
		return err
	}
	return h.Run(ctx, startTimer()...)
}

// save copies the configuration and the names of the Established neighbors;
// the file rollbackArmed comes last and makes the copy count. It returns false
// if FRR does not run.
func (rb rollback) save(ctx context.Context, h step.Host) (bool, error) {
	running, err := runningConf(ctx, h)
	if err != nil {
		if step.ExitStatus(err) >= 0 {
			return false, nil
		}
		return false, err
	}
	peers, err := bgp.Established(ctx, h)
	if err != nil {
		return false, err
	}
	if err := h.Run(ctx, "install", "-d", "-m", "0700", rollbackDir); err != nil {
		return false, err
	}
	if err := host.WriteFile(ctx, h, confFile(rollbackDir+"/running.conf", []byte(configOnly(running)))); err != nil {
		return false, err
	}
	if err := h.Run(ctx, assets.Script("keep-files.sh", rollbackDir, confPath, daemonsPath)...); err != nil {
		return false, err
	}
	state, err := json.Marshal(armedState{Since: time.Now().UTC(), Peers: peers})
	if err != nil {
		return false, err
	}
	return true, host.WriteFile(ctx, h, host.File{Path: rollbackArmed, Data: append(state, '\n'), Mode: 0o600})
}

// configOnly cuts what vtysh prints before the configuration.
func configOnly(running string) string {
	_, conf, found := strings.Cut(running, "Current configuration:\n")
	if !found {
		return running
	}
	return conf
}

// startTimer is the command that starts the timer anew. It is one command, as
// an operator's machine that dies between two would leave the host with a
// change and no timer.
func startTimer() []string {
	return assets.Script("start-timer.sh", rollbackUnit, strconv.Itoa(int(rollbackAfter.Seconds())), scriptPath)
}

func (rb rollback) stopTimer(ctx context.Context, h step.Host) error {
	return h.Run(ctx, assets.Script("stop-timer.sh", rollbackUnit)...)
}

// now restores the old configuration without waiting for the timer.
func (rb rollback) now(ctx context.Context, h step.Host) error {
	if err := h.Run(ctx, scriptPath, "rollback"); err != nil {
		return err
	}
	return errors.Join(rb.stopTimer(ctx, h), h.Run(ctx, "rm", "-f", rolledBack))
}

// errRolledBack is a change that was tried and taken back. The same change
// would fare no better on the next host.
type errRolledBack struct{ err error }

func (e errRolledBack) Error() string    { return e.err.Error() }
func (e errRolledBack) Unwrap() error    { return e.err }
func (e errRolledBack) RolledBack() bool { return true }

// disarm makes the change final.
func (rb rollback) disarm(ctx context.Context, h step.Host) error {
	if err := rb.stopTimer(ctx, h); err != nil {
		return err
	}
	return h.Run(ctx, "rm", "-f", rollbackArmed, upgradedFrom)
}
