package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/gateway"
	"ipfabric/steps/run"
	"ipfabric/steps/verify"
)

// initOptions are the flags of init.
type initOptions struct {
	planOptions
	yes      bool
	dryRun   bool
	noVerify bool
	wait     time.Duration
	waitSet  bool
	parallel int
}

// converge looks, shows, asks, applies and verifies.
func (s *session) converge(ctx context.Context, plan run.Plan, opts initOptions) error {
	o, report, stop := s.lookAndVerify(ctx, plan, opts)
	if o == nil {
		return stop
	}
	if err := s.showOutlook(o, false); err != nil {
		return err
	}
	if stop != nil {
		return stop
	}
	if report != nil {
		return s.conclude(report, verifyOptions{})
	}

	failed := o.failed()
	changed := len(o.toChange()) > 0
	if changed {
		if err := s.confirm(ctx, o, opts.yes); err != nil {
			return err
		}
		result := s.apply(ctx, plan, o, opts.parallel)
		s.showResult(result)
		s.showFailures(result)
		failed = failedOf(result)
		if s.signals.interrupted() || ctx.Err() != nil {
			return withHint(errInterrupted, "run `ipfabric init` again: it does only what is left")
		}
		if err := s.showGateways(result); err != nil {
			return err
		}
	}
	return s.finish(ctx, opts, changed, failed, len(o.Hosts))
}

// lookAndVerify looks what differs. Where nothing does, and all hosts could be
// looked at, there is also the report of a verification at the same time.
func (s *session) lookAndVerify(ctx context.Context, plan run.Plan, opts initOptions) (*outlook, *verify.Report, error) {
	if opts.noVerify || opts.waitSet {
		o, stop := s.look(ctx, plan)
		return o, nil, stop
	}
	s.connect = run.Sharing(s.fleet.connect)
	defer func() { s.connect = s.fleet.connect }()
	report, cancel := s.ahead(ctx)
	o, stop := s.look(ctx, plan)
	if o == nil || stop != nil || o.Changes > 0 || o.Failed > 0 {
		cancel()
		return o, nil, stop
	}
	return o, report(), nil
}

// finish verifies, and turns what failed, of so many hosts, into the run's error.
func (s *session) finish(ctx context.Context, opts initOptions, changed bool, failed run.Result, hosts int) error {
	s.fleet.forgive()
	var unhealthy error
	if !opts.noVerify {
		v := verifyOptions{hopeless: s.hopeless(failed)}
		if changed || opts.waitSet {
			v.wait = opts.wait
		}
		unhealthy = s.verify(ctx, v)
	}
	if len(failed) == 0 || ctx.Err() != nil {
		return unhealthy
	}
	return &codedError{code: exitHosts, err: withHint(errors.New(failureText(failed, hosts)),
		"run `ipfabric init` again once that is put right: it does only what is left")}
}

// confirm asks whether to apply the plan that was shown.
func (s *session) confirm(ctx context.Context, o *outlook, yes bool) error {
	if yes {
		return nil
	}
	if s.ask == nil {
		return usagef("give --yes to apply the plan without being asked, or --dry-run to only see it",
			"there are changes to make, and nobody to ask: this is no terminal")
	}
	ok, err := s.ask.Confirm(ctx, "Apply this to "+count(len(o.toChange()), "host")+"?")
	if err != nil {
		return err
	}
	if !ok {
		return withHint(errors.New("not applied: nothing was changed"), "answer y to apply")
	}
	return nil
}

// showGateways prints what the operator must put into the core gateways. It
// is about the reflectors: where none of them was changed, it is not shown.
func (s *session) showGateways(result run.Result) error {
	reflector := slices.ContainsFunc(result, func(r run.HostResult) bool { return r.Changes > 0 && s.isReflector(r.Host) })
	if len(s.fabric.CoreGateways) == 0 || !reflector {
		return nil
	}
	text, err := snippets(s.fabric, s.fabric.CoreGateways, "")
	if err != nil {
		return err
	}
	s.say.note("the core gateways' configuration follows; `ipfabric gateway` prints it again")
	s.say.result(text + "\n")
	return nil
}

// snippets renders the configurations of core gateways, with an empty line
// between two.
func snippets(fabric *inventory.Fabric, cores []inventory.CoreGateway, vendor string) (string, error) {
	var texts []string
	for _, core := range cores {
		text, err := gateway.Render(cmp.Or(vendor, core.Vendor), fabric, core)
		if err != nil {
			return "", err
		}
		texts = append(texts, strings.TrimRight(text, "\n")+"\n")
	}
	return strings.Join(texts, "\n"), nil
}
