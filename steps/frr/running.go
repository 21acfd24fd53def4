package frr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step"
)

// runsConf: the configuration that FRR runs is frr.conf's. It asks FRR, so
// a reload that failed, or a change made by hand in vtysh, is found.
type runsConf struct {
	host   inventory.Host
	render Renderer
}

func (s runsConf) String() string { return "FRR runs frr.conf" }

func (s runsConf) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	running, err := runningConf(ctx, r)
	if err != nil {
		if step.ExitStatus(err) < 0 {
			return nil, err
		}
		return step.Diff{{Item: conf.Running, Have: "FRR does not answer", Want: "frr.conf"}}, nil
	}
	want, err := wantedConf(ctx, r, s.host, s.render)
	if err != nil {
		return nil, err
	}
	diff := short(conf.Compare(running, string(want)))
	if len(diff) == 0 {
		return nil, nil
	}
	have, err := r.ReadFile(ctx, confPath)
	if errors.Is(err, fs.ErrNotExist) || err == nil && string(have) != string(want) {
		return diff, wholeReload(ctx, r) // the file is to change first
	}
	if err != nil {
		return nil, err
	}
	// Where the texts differ, FRR's own tool is the judge: frr.extra may be
	// written in another way than FRR shows it.
	return s.reloadTest(ctx, r, diff)
}

// reloadTest asks frr-reload.py what it would change. It is slow (python),
// so only a difference of the texts gets here.
func (s runsConf) reloadTest(ctx context.Context, r step.Reader, diff step.Diff) (step.Diff, error) {
	out, err := r.Query(ctx, reloadCommand("--test", "--stdout", confPath)...)
	if step.NotThere(err) {
		return diff, nil
	}
	if step.ExitStatus(err) >= 0 {
		return nil, errReload{err, "--test"}
	}
	if err != nil {
		return nil, err
	}
	return short(conf.ParseReloadTest(out)), nil
}

// short makes one change of many lines that differ, as when bgpd does not run:
// frr.conf shows what they are to be.
func short(diff step.Diff) step.Diff {
	if len(diff) <= 20 {
		return diff
	}
	return step.Diff{{Item: conf.Running, Have: fmt.Sprintf("differs in %d lines", len(diff)), Want: "frr.conf"}}
}

func (s runsConf) prepare(ctx context.Context, h step.Host) (prepared, error) {
	raised := s.changesLimit(ctx, h)
	apply := func(ctx context.Context) error {
		if err := s.reload(ctx, h); err != nil || !raised {
			return err
		}
		return retryOverflowed(ctx, h)
	}
	return prepared{apply: apply}, canReload(ctx, h)
}

// reload reloads FRR by frr-reload.py itself, as `systemctl reload frr` hides its
// failures. It works line by line, so one that fails leaves a mixture: then
// the old configuration must be put back at once. What counts is not what it
// says but what FRR runs then.
func (s runsConf) reload(ctx context.Context, h step.Host) error {
	var reloadErr error
	for range 2 { // it takes `neighbor X bfd profile Y` back in two steps
		reloadErr = h.Run(ctx, scriptPath, "reload", confPath)
		if reloadErr != nil && step.ExitStatus(reloadErr) < 0 {
			return reloadErr // cut off in the middle: the host's timer runs
		}
		if diff, err := s.Check(ctx, h); err == nil && len(diff) == 0 {
			return nil
		}
		if reloadErr != nil {
			break
		}
	}
	if s.bfdLeft(ctx, h) {
		return restartFRR(ctx, h)
	}
	if reloadErr == nil {
		return nil // the caller finds what is left
	}
	return errRefused{reloadErr}
}

// changesLimit says whether the reload changes how many prefixes neighbors may
// send.
func (s runsConf) changesLimit(ctx context.Context, r step.Reader) bool {
	diff, err := s.difference(ctx, r)
	return err == nil && limitChanges(diff)
}

// difference compares what FRR runs with what it is to run, line by line.
func (s runsConf) difference(ctx context.Context, r step.Reader) (step.Diff, error) {
	running, err := runningConf(ctx, r)
	if err != nil {
		return nil, err
	}
	want, err := wantedConf(ctx, r, s.host, s.render)
	if err != nil {
		return nil, err
	}
	return conf.Compare(running, string(want)), nil
}

// bfdLeft says whether FRR runs all of frr.conf but for BFD's own times. FRR 7.5
// cannot take those back, and its bfdd may crash over it: a restart it is, with
// the rollback still armed.
func (s runsConf) bfdLeft(ctx context.Context, r step.Reader) bool {
	diff, err := s.difference(ctx, r)
	return err == nil && len(diff) > 0 && !slices.ContainsFunc(diff, func(c step.Change) bool { return !strings.HasPrefix(c.Have+c.Want, "bfd | ") })
}
