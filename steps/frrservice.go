package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipfabric/inventory"
)

// frrService: FRR and its daemons run, and start at boot.
type frrService struct {
	host     inventory.Host
	rollback rollback
}

func (s frrService) String() string { return "FRR runs" }

func (s frrService) Check(ctx context.Context, r Reader) (Diff, error) {
	return serviceDiff(ctx, r)
}

// serviceDiff says what keeps FRR's service or one of its daemons from running.
func serviceDiff(ctx context.Context, r Reader) (Diff, error) {
	running, err := runningDaemons(ctx, r)
	if errors.Is(err, errHung{}) {
		return Diff{{Item: "FRR", Have: "does not answer: a daemon hangs", Want: "answers"}}, nil
	}
	if err != nil {
		return nil, err
	}
	unit, err := showUnit(ctx, r, "frr.service")
	if err != nil {
		return nil, err
	}
	diff := unit.diff("frr")
	if !unit.active() {
		return diff, nil
	}
	for _, name := range append([]string{"zebra"}, wantedDaemons...) {
		if !slices.Contains(running, name) {
			diff = append(diff, Change{Item: "daemon " + name, Have: "not running", Want: "running"})
		}
	}
	return diff, nil
}

// frrLook asks FRR two things at once, as starting vtysh costs more than the
// answers: the daemons, one line, and then the running configuration.
var frrLook = vtysh("show daemons", "show running-config")

// runningDaemons asks FRR which of its daemons answer. A vtysh that reaches
// none of them is an answer too.
func runningDaemons(ctx context.Context, r Reader) ([]string, error) {
	out, err := r.Query(ctx, frrLook...)
	if timedOutError(err) {
		return nil, errHung{}
	}
	if err != nil && exitStatus(err) < 0 {
		return nil, err
	}
	daemons, _, _ := strings.Cut(out, "\n")
	return strings.Fields(daemons), nil
}

// runningConf asks FRR for the configuration that it runs.
func runningConf(ctx context.Context, r Reader) (string, error) {
	out, err := r.Query(ctx, frrLook...)
	_, conf, _ := strings.Cut(out, "\n")
	return conf, err
}

func (s frrService) Apply(ctx context.Context, h Host) error {
	if err := h.Run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	if err := h.Run(ctx, "systemctl", "enable", "frr.service"); err != nil {
		return err
	}
	unit, err := showUnit(ctx, h, "frr.service")
	if err != nil {
		return err
	}
	if !unit.active() {
		return restartFRR(ctx, h)
	}
	if _, err := runningDaemons(ctx, h); errors.Is(err, errHung{}) {
		// A daemon that hangs does not end when it is asked to.
		if err := h.Run(ctx, "systemctl", "kill", "-s", "KILL", "frr.service"); err != nil {
			return err
		}
		return restartFRR(ctx, h)
	}
	if err := s.rollback.arm(ctx, h); err != nil {
		return err
	}
	// A daemon that died is started by watchfrr, which takes a moment. One that
	// watchfrr does not know yet needs the restart.
	if watched(ctx, h, unit) && awaitService(ctx, h, 8*time.Second) == nil {
		return nil
	}
	return restartFRR(ctx, h)
}

// restartFRR starts FRR anew. A service that failed too often, or was started
// too often within minutes, is not started before its count is reset.
func restartFRR(ctx context.Context, h Host) error {
	if err := h.Run(ctx, "systemctl", "reset-failed", "frr.service"); err != nil {
		return err
	}
	return h.Run(ctx, "systemctl", "restart", "frr.service")
}

// watched says whether the running watchfrr looks after all wanted daemons:
// they are arguments of its command line.
func watched(ctx context.Context, r Reader, unit unitState) bool {
	data, err := r.Query(ctx, "cat", "/proc/"+unit["MainPID"]+"/cmdline")
	if err != nil {
		return false
	}
	args := strings.Split(data, "\x00")
	for _, name := range wantedDaemons {
		if !slices.Contains(args, name) {
			return false
		}
	}
	return true
}

// awaitService returns nil once all daemons run.
func awaitService(ctx context.Context, r Reader, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		diff, err := serviceDiff(ctx, r)
		if err == nil && len(diff) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %s", limit, diff)
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}
