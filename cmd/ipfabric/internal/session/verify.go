package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/verify"
	"ipfabric/steps/vms"
)

// VerifyOptions are the flags of verify.
type VerifyOptions struct {
	Limit []string
	JSON  bool
	All   bool // also the tables of hosts and sessions
	JUnit string
	Wait  time.Duration
	// hold is how long after the begin the fabric must still be healthy, if it carries routes.
	hold time.Duration
	// cannotRecover says that waiting does not make this host healthy.
	cannotRecover func(host string, waited time.Duration) bool
}

// Verify looks, waits if it may, and shows the report.
func (s *Session) Verify(ctx context.Context, opts VerifyOptions) error {
	report := s.poll(ctx, opts)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.conclude(report, opts)
}

// ahead verifies beside a look at the hosts: where that finds nothing to
// change, the report is there already, and the two have shared what they asked.
// The report must be taken, or be given up with cancel.
func (s *Session) ahead(ctx context.Context) (report func() *verify.Report, cancel func()) {
	ctx, stop := context.WithCancel(ctx)
	connect := s.reachFor(s.limit)
	done := make(chan *verify.Report, 1)
	go func() { done <- s.only(s.verifyOnce(ctx, s.fabric, connect)) }()
	report = func() *verify.Report {
		defer stop()
		return <-done
	}
	return report, func() { stop(); <-done }
}

// conclude shows a report, and turns it into the command's error.
func (s *Session) conclude(report *verify.Report, opts VerifyOptions) error {
	if opts.JUnit != "" {
		if err := ui.WriteJUnit(opts.JUnit, report, s.Mask); err != nil {
			return ui.WithHint(err, "name a file in a folder that can be written with --junit")
		}
	}
	if opts.JSON {
		if err := s.Say.ResultJSON(report); err != nil {
			return err
		}
	} else {
		s.Say.Result(ui.Report(report, opts.All || s.Say.Verbose, s.Say.OnOut))
	}
	refused := s.refused()
	switch {
	case len(refused) > 0:
		s.Say.Failures(refused)
		return ui.WithHint(fmt.Errorf("%s did not let us in as expected", ui.Count(len(refused), "host")), "put right what is said above")
	case !report.Healthy:
		return &ui.CodedError{Code: ui.ExitUnhealthy, Err: ui.WithHint(
			fmt.Errorf("the fabric is not healthy: %s", ui.Count(report.Problems(), "problem")),
			"the report says for each what to look at next; `ipfabric verify --all` has every host and session")}
	}
	return nil
}

// refused are the errors of hosts that did not let us in as expected. A core gateway that refuses the login cannot
// be asked for its view, which is a problem of the report; its host key is as much worth as any.
func (s *Session) refused() []error {
	return s.fleet.refused(func(host string, err error) bool {
		return s.role(host) == inventory.RoleCoreGateway && isLoginError(err)
	})
}

// holdTime is how long a fabric whose hosts were changed must be healthy before it is called so: FRR
// applies a changed route-map to its routes after 5 s (bgp route-map delay-timer).
const holdTime = 7 * time.Second

// poll verifies until the fabric is healthy, and stays so for opts.hold, the time is over, or waiting
// cannot help.
func (s *Session) poll(ctx context.Context, opts VerifyOptions) *verify.Report {
	defer s.progress.Begin("verifying")()
	start := time.Now()
	last := -1
	for {
		report := s.only(s.verifyOnce(ctx, s.fabric, s.reachFor(s.limit)))
		waited := time.Since(start)
		s.Say.Debug("", "verify: %s after %s", ui.Count(report.Problems(), "problem"), ui.Short(waited))
		pause := s.pollEvery
		switch hold := min(opts.hold, opts.Wait); {
		case report.Healthy && waited < hold && report.Routes():
			pause = hold - waited
			s.Say.Note("healthy so far; looking again in %s, as FRR takes up a change of its policy 5s later", ui.Short(pause))
		case report.Healthy || waited+pause > opts.Wait || !s.worthWaiting(report, opts, waited):
			return report
		default:
			if n := report.Problems(); n != last {
				s.Say.Note("not healthy yet, %s; waiting up to %s more", ui.Count(n, "problem"), (opts.Wait - waited).Round(time.Second))
				last = n
			}
		}
		select {
		case <-ctx.Done():
			return report
		case <-time.After(pause):
		}
		if opts.cannotRecover == nil {
			s.fleet.forget()
		}
	}
}

// worthWaiting says whether a problem is left that time may solve.
func (s *Session) worthWaiting(r *verify.Report, opts VerifyOptions, waited time.Duration) bool {
	if opts.cannotRecover == nil {
		return true
	}
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if ui.IsProblem(c.Status) && !opts.cannotRecover(h.Host, waited) {
				return true
			}
		}
	}
	for _, b := range r.Sessions {
		if ui.IsProblem(b.Status) && !opts.cannotRecover(b.RR, waited) && !opts.cannotRecover(b.Peer, waited) {
			return true
		}
	}
	return slices.ContainsFunc(r.VMs, func(v verify.VMCheck) bool {
		return ui.IsProblem(v.Status) && !vmCannotRecover(v, func(host string) bool { return opts.cannotRecover(host, waited) })
	})
}

// vmCannotRecover says that a VM cannot become well, as its node or all reflectors
// that do not see it as they should cannot.
func vmCannotRecover(v verify.VMCheck, cannotRecover func(host string) bool) bool {
	if cannotRecover(v.Node) {
		return true
	}
	unwell := slices.DeleteFunc(slices.Clone(v.Seen), func(s vms.Seen) bool { return s.Status == vms.SeenYes })
	return len(unwell) > 0 && !slices.ContainsFunc(unwell, func(s vms.Seen) bool { return !cannotRecover(s.RR) })
}

// cannotRecover is what init must not wait for: hosts that have failed, and core
// gateways, which somebody has to configure by hand first. Those that are
// configured already get the time of a few attempts to connect.
func (s *Session) cannotRecover(failed run.Result) func(string, time.Duration) bool {
	down := map[string]bool{}
	for _, r := range failed {
		down[r.Host] = true
	}
	grace := max(15*time.Second, 3*s.fabric.BGP.ConnectRetry)
	return func(host string, waited time.Duration) bool {
		return down[host] || (s.role(host) == inventory.RoleCoreGateway && waited > grace)
	}
}

// reachFor returns the connect of a verification. With a limit it leaves out
// hosts that are excluded, and those whose view is not needed: sessions are
// between the limit's hosts and the reflectors, or, with a reflector in the
// limit, all other hosts.
func (s *Session) reachFor(limit limit) func(context.Context, string) (step.Host, error) {
	if limit.all() {
		return s.connect
	}
	all := slices.ContainsFunc(limit.hosts, s.isReflector)
	connect := s.connect
	return func(ctx context.Context, name string) (step.Host, error) {
		needed := all || limit.has(name) || s.isReflector(name)
		if !needed || slices.Contains(limit.excluded, name) {
			return nil, fmt.Errorf("%s is outside --limit", name)
		}
		return connect(ctx, name)
	}
}

func (s *Session) isReflector(name string) bool { return s.role(name) == inventory.RoleRouteReflector }

// only leaves what --limit selects in a report.
func (s *Session) only(r *verify.Report) *verify.Report {
	if s.limit.all() {
		return r
	}
	return r.Only(s.limit.hosts, s.limit.excluded)
}

// verifyOnce compares the hosts with what init would make true of them, and
// looks at both ends of every session.
func verifyOnce(ctx context.Context, f *inventory.Fabric, connect func(context.Context, string) (step.Host, error)) *verify.Report {
	plan, err := steps.New(f, steps.Options{})
	return verify.Verify(ctx, f, plan, err, connect)
}
