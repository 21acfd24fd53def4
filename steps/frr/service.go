package frr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/bgp"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

// service: FRR and its daemons run, and start at boot.
type service struct {
	patience time.Duration // how long watchfrr may take to start a daemon that died
}

func (s service) String() string { return "FRR runs" }

func (s service) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	return serviceDiff(ctx, r)
}

// serviceDiff says what keeps FRR's service or one of its daemons from running.
func serviceDiff(ctx context.Context, r step.Reader) (step.Diff, error) {
	running, err := RunningDaemons(ctx, r)
	if errors.Is(err, bgp.HungError{}) {
		return step.Diff{{Item: "FRR", Have: "does not answer: a daemon hangs", Want: "answers"}}, nil
	}
	if err != nil {
		return nil, err
	}
	unit, err := host.ShowUnit(ctx, r, "frr.service")
	if err != nil {
		return nil, err
	}
	diff := unit.Diff("frr")
	if !unit.Active() {
		return diff, nil
	}
	for _, name := range append([]string{"zebra"}, WantedDaemons...) {
		if !slices.Contains(running, name) {
			diff = append(diff, step.Change{Item: "daemon " + name, Have: "not running", Want: "running"})
		}
	}
	return diff, nil
}

// lookQuestion asks FRR two things at once, as starting vtysh costs more than the
// answers: the daemons, one line, and then the running configuration.
var lookQuestion = bgp.Vtysh("show daemons", "show running-config")

// RunningDaemons asks FRR which of its daemons answer. A vtysh that reaches
// none of them is an answer too.
func RunningDaemons(ctx context.Context, r step.Reader) ([]string, error) {
	out, err := r.Query(ctx, lookQuestion...)
	if step.TimedOut(err) {
		return nil, bgp.HungError{}
	}
	if err != nil && step.ExitStatus(err) < 0 {
		return nil, err
	}
	daemons, _, _ := strings.Cut(out, "\n")
	return strings.Fields(daemons), nil
}

// runningConf asks FRR for the configuration that it runs.
func runningConf(ctx context.Context, r step.Reader) (string, error) {
	out, err := r.Query(ctx, lookQuestion...)
	_, conf, _ := strings.Cut(out, "\n")
	return conf, err
}

// prepare changes nothing but what systemd does at the next start of the host.
func (s service) prepare(ctx context.Context, h step.Host) (prepared, error) {
	if err := h.Run(ctx, "systemctl", "daemon-reload"); err != nil {
		return prepared{}, err
	}
	if err := h.Run(ctx, "systemctl", "enable", "frr.service"); err != nil {
		return prepared{}, err
	}
	return prepared{apply: func(ctx context.Context) error { return s.start(ctx, h) }}, nil
}

// start starts FRR, or those of its daemons that do not run.
func (s service) start(ctx context.Context, h step.Host) error {
	unit, err := host.ShowUnit(ctx, h, "frr.service")
	if err != nil {
		return err
	}
	if !unit.Active() {
		return restartFRR(ctx, h)
	}
	if _, err := RunningDaemons(ctx, h); errors.Is(err, bgp.HungError{}) {
		// A daemon that hangs does not end when it is asked to.
		if err := h.Run(ctx, "systemctl", "kill", "-s", "KILL", "frr.service"); err != nil {
			return err
		}
		return restartFRR(ctx, h)
	}
	// A daemon that died is started by watchfrr, which takes a moment. One that
	// watchfrr does not know yet needs the restart.
	if watched(ctx, h, unit) && awaitService(ctx, h, s.patience) == nil {
		return nil
	}
	return restartFRR(ctx, h)
}

// restartFRR starts FRR anew. A service that failed too often, or was started
// too often within minutes, is not started before its count is reset.
func restartFRR(ctx context.Context, h step.Host) error {
	if err := h.Run(ctx, "systemctl", "reset-failed", "frr.service"); err != nil {
		return err
	}
	return h.Run(ctx, "systemctl", "restart", "frr.service")
}

// watched says whether the running watchfrr looks after all wanted daemons:
// they are arguments of its command line.
func watched(ctx context.Context, r step.Reader, unit host.UnitState) bool {
	data, err := r.Query(ctx, "cat", "/proc/"+unit["MainPID"]+"/cmdline")
	if err != nil {
		return false
	}
	args := strings.Split(data, "\x00")
	for _, name := range WantedDaemons {
		if !slices.Contains(args, name) {
			return false
		}
	}
	return true
}

// awaitService returns nil once all daemons run.
func awaitService(ctx context.Context, r step.Reader, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		diff, err := serviceDiff(ctx, r)
		if err == nil && len(diff) == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %s", limit, diff)
		}
		if err := step.Pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}
