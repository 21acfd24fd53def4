package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

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

func (a *app) initCommand() *cobra.Command {
	var opts initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the hosts what the inventory says",
		Long: `Init makes the hosts what the inventory says, and can be run as often as you
like: it does only what is left to do. It

  1. looks at all hosts at the same time and shows what differs,
  2. asks whether to apply it,
  3. applies it: all hosts get their packages, then the route reflectors their
     configuration one after the other, then the nodes theirs,
  4. prints the core gateways' configuration, which you put in place yourself,
     if a route reflector was changed,
  5. verifies both ends of every BGP session, as ipfabric verify does.

A host that is down is left out; the others are done, and the next run does the
rest. A changed host key or a refused login ends the run before any host is
touched. The first Ctrl-C lets finish what runs, the second stops at once.

Exit codes: 0 done and healthy, 1 error, 3 some hosts failed, 4 done, but the
verification found a problem, 130 interrupted.`,
		Example: `  ipfabric init
  ipfabric init --yes --limit node7,node8
  ipfabric init --dry-run
  ipfabric init --upgrade-frr --limit rr1`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.waitSet = cmd.Flags().Changed("wait")
			if opts.parallel < 1 {
				return usagef("give at least 1", "--parallel: %d hosts at the same time", opts.parallel)
			}
			if opts.dryRun {
				return a.showPlan(cmd.Context(), opts.planOptions)
			}
			return a.init(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.dryRun, "dry-run", false, "only show what would be changed, as plan does")
	f.BoolVarP(&opts.yes, "yes", "y", false, "apply without asking")
	a.limitFlag(cmd, &opts.limit, "work on these hosts only (`HOST,...`)")
	f.BoolVar(&opts.adopt, "adopt", false, "take over a frr.conf that ipfabric did not write; a copy stays on the host")
	f.BoolVar(&opts.loss, "accept-session-loss", false, "keep the changes even if BGP sessions that were up do not come back")
	f.BoolVar(&opts.upgrade, "upgrade-frr", false, "upgrade FRR to the newest version of its source, one host after the other")
	f.DurationVar(&opts.wait, "wait", time.Minute, "how long the verification after changes may wait until all is healthy")
	f.IntVar(&opts.parallel, "parallel", 10, "change at most `N` hosts at the same time, once the first has gone well")
	f.BoolVar(&opts.noVerify, "no-verify", false, "do not verify at the end")
	return cmd
}

// init is the whole run.
func (a *app) init(ctx context.Context, opts initOptions) error {
	s, err := a.open(ctx, "init", opts.limit)
	if err != nil {
		return err
	}
	defer s.close()
	plan, err := s.plan(opts.planOptions)
	if err != nil {
		return err
	}
	return s.converge(ctx, plan, opts)
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
