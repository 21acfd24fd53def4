package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
	"ipfabric/steps/verify"
)

// InitOptions are the flags of init.
type InitOptions struct {
	PlanOptions
	Yes      bool
	DryRun   bool
	NoVerify bool
	Wait     time.Duration
	WaitSet  bool
	Parallel int
}

// Converge looks, shows, asks, applies and verifies.
func (s *Session) Converge(ctx context.Context, plan run.Plan, opts InitOptions) error {
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
		return s.conclude(report, VerifyOptions{})
	}

	failed := o.FailedHosts()
	changed := len(o.ToChange()) > 0
	if changed {
		if err := s.confirm(ctx, o, opts.Yes); err != nil {
			return err
		}
		result := s.apply(ctx, plan, o, opts.Parallel)
		s.showResult(result)
		s.showFailures(result, o)
		failed = failedOf(result)
		if s.Signals.Interrupted() || ctx.Err() != nil {
			return ui.WithHint(ui.ErrInterrupted, "run `ipfabric init` again: it does only what is left")
		}
		if err := s.showGateways(ctx, result); err != nil {
			return err
		}
	}
	return s.finish(ctx, opts, changed, failed, len(o.Hosts))
}

// lookAndVerify looks what differs. Where nothing does, and all hosts could be
// looked at, there is also the report of a verification at the same time.
func (s *Session) lookAndVerify(ctx context.Context, plan run.Plan, opts InitOptions) (*ui.Outlook, *verify.Report, error) {
	if opts.NoVerify || opts.WaitSet {
		o, stop := s.look(ctx, plan)
		return o, nil, stop
	}
	s.connect = run.Sharing(s.fleet.Connect)
	defer func() { s.connect = s.fleet.Connect }()
	report, cancel := s.ahead(ctx)
	o, stop := s.look(ctx, plan)
	if o == nil || stop != nil || o.Changes > 0 || o.Failed > 0 {
		cancel()
		return o, nil, stop
	}
	return o, report(), nil
}

// finish verifies, and turns what failed, of so many hosts, into the run's error.
func (s *Session) finish(ctx context.Context, opts InitOptions, changed bool, failed run.Result, hosts int) error {
	s.fleet.forgive()
	var unhealthy error
	busy := slices.ContainsFunc(failed, func(r run.HostResult) bool { return isLocked(r.Err) })
	if busy && !opts.NoVerify {
		s.Say.Note("not verified: another run is at work on the fabric; `ipfabric verify` does it once that has ended")
	}
	if !opts.NoVerify && !busy {
		v := VerifyOptions{cannotRecover: s.cannotRecover(failed)}
		if changed || opts.WaitSet {
			v.Wait = opts.Wait
		}
		if changed && opts.Loss { // else the hosts have waited for it before they confirmed
			v.hold = s.holdTime
		}
		unhealthy = s.Verify(ctx, v)
	}
	if len(failed) == 0 || ctx.Err() != nil {
		return unhealthy
	}
	return &ui.CodedError{Code: ui.ExitHosts, Err: ui.WithHint(errors.New(failureText(failed, hosts)),
		"run `ipfabric init` again once that is put right: it does only what is left")}
}

// confirm asks whether to apply the plan that was shown.
func (s *Session) confirm(ctx context.Context, o *ui.Outlook, yes bool) error {
	if yes {
		return nil
	}
	if s.Ask == nil {
		return ui.Usagef("give --yes to apply the plan without being asked, or --dry-run to only see it",
			"there are changes to make, and nobody to ask: this is no terminal")
	}
	question, details := "Apply this to "+ui.Count(len(o.ToChange()), "host")+"?", o.Render(ui.Everything, s.Say.OnOut)
	if details == o.Render(s.extent(), s.Say.OnOut) {
		details = "" // were shown
	}
	return decide(ctx, question, details, s.Ask.Choose, s.Say.Result)
}

// decide asks until the answer is yes or no; d shows the details before that, if
// there are any. Anything but yes is no.
func decide(ctx context.Context, question, details string, choose func(context.Context, string) (string, error), show func(string)) error {
	question += " [y/N]"
	if details != "" {
		question += " (d: show all details)"
	}
	for {
		switch answer, err := choose(ctx, question); {
		case err != nil:
			return err
		case ui.IsYes(answer):
			return nil
		case answer == "d" && details != "":
			show(details)
		default:
			return ui.WithHint(errors.New("not applied: nothing was changed"), "answer y to apply")
		}
	}
}
