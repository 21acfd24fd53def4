package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
)

// look asks all hosts at once what differs. The error is a reason to go no
// further; the outlook is there all the same.
func (s *Session) look(ctx context.Context, plan run.Plan) (*ui.Outlook, error) {
	var mu sync.Mutex
	differing := map[string][]run.Difference{}
	report := func(ev run.Event) {
		s.progress.Report(ev)
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
	o := &ui.Outlook{Fabric: s.fabric.Name, Hosts: []ui.HostOutlook{}}
	for _, r := range result {
		h := ui.HostOutlook{Host: r.Host, Role: s.role(r.Host), State: r.State, Steps: differing[r.Host], Result: r}
		if h.Steps == nil {
			h.Steps = []run.Difference{}
		}
		if err := hostError(r); err != nil {
			h.Code, h.Error, h.Hint = ui.CodeOf(err), err.Error(), ui.HintOf(err)
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
func (s *Session) untouchable(o *ui.Outlook) error {
	if refused := slices.DeleteFunc(o.FailedHosts(), func(r run.HostResult) bool { return !mustStop(r.Err) }); len(refused) > 0 {
		err := ui.WithHint(
			fmt.Errorf("%s did not let us in as expected: nothing was changed on any host", ui.Count(len(refused), "host")),
			"put right what is said above, or leave these hosts out with --limit")
		if len(refused) == len(o.Hosts) && !slices.ContainsFunc(refused, func(r run.HostResult) bool { return !isSetupError(r.Err) }) {
			return ui.Usage(err) // it is this side's keys or files, and no host was contacted
		}
		return err
	}
	if len(o.Hosts) == 0 || slices.ContainsFunc(o.Hosts, func(h ui.HostOutlook) bool { return !isConnectError(h.Result.Err) }) {
		return nil
	}
	return ui.WithHint(errors.New("no host could be reached: nothing was changed"),
		"is this machine in the right network, and is each host's ssh address right in the inventory?")
}

// much is how much of a difference the operator wants to see.
func (s *Session) much() ui.Extent {
	if s.Say.Verbose {
		return ui.Everything
	}
	return ui.InShort
}
