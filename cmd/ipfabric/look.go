package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ipfabric/steps/run"
)

// look asks all hosts at once what differs. The error is a reason to go no
// further; the outlook is there all the same.
func (s *session) look(ctx context.Context, plan run.Plan) (*outlook, error) {
	var mu sync.Mutex
	differing := map[string][]run.Difference{}
	report := func(ev run.Event) {
		s.progress.report(ev)
		if ev.State != run.Differs {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		differing[ev.Host] = append(differing[ev.Host], run.Difference{Step: ev.Step, Diff: ev.Diff})
	}
	result := s.run(ctx, plan, run.Runner{DryRun: true, Report: report})
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	o := &outlook{Fabric: s.fabric.Name, Hosts: []hostOutlook{}}
	for _, r := range result {
		h := hostOutlook{Host: r.Host, Role: s.role(r.Host), State: r.State, Steps: differing[r.Host], result: r}
		if h.Steps == nil {
			h.Steps = []run.Difference{}
		}
		if err := hostError(r); err != nil {
			h.Error, h.Hint = err.Error(), hintOf(err)
			o.Failed++
		}
		o.Changes += len(h.Steps)
		o.Hosts = append(o.Hosts, h)
	}
	return o, s.untouchable(o)
}

// untouchable returns why the whole run must end here, before any host is
// touched: a host whose key or login is not as it should be, or no host at all
// that can be reached.
func (s *session) untouchable(o *outlook) error {
	if refused := slices.DeleteFunc(o.failed(), func(r run.HostResult) bool { return !mustStop(r.Err) }); len(refused) > 0 {
		err := withHint(
			fmt.Errorf("%s did not let us in as expected: nothing was changed on any host", count(len(refused), "host")),
			"put right what is said above, or leave these hosts out with --limit")
		if len(refused) == len(o.Hosts) && !slices.ContainsFunc(refused, func(r run.HostResult) bool { return !isSetupError(r.Err) }) {
			return usage(err) // it is this side's keys or files, and no host was contacted
		}
		return err
	}
	if len(o.Hosts) == 0 || slices.ContainsFunc(o.Hosts, func(h hostOutlook) bool { return !isConnectError(h.result.Err) }) {
		return nil
	}
	return withHint(errors.New("no host could be reached: nothing was changed"),
		"is this machine in the right network, and is each host's ssh address right in the inventory?")
}

// much is how much of a difference the operator wants to see.
func (s *session) much() extent {
	if s.say.verbose {
		return everything
	}
	return inShort
}
