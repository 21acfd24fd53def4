package session

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// apply carries out the plan on the hosts that differ, as far as they still
// differ as it was shown; of a parallel stage, so many hosts are changed at the
// same time. Hosts that could not be looked at stay in it with the error of
// then: a stage that changes one host after the other must not go on to the
// second when the first is down.
func (s *Session) apply(ctx context.Context, plan run.Plan, o *ui.Outlook, parallel int) run.Result {
	defer s.Signals.change()()
	broken := map[string]run.HostResult{}
	hosts := o.ToChange()
	shown := map[string][]run.Difference{}
	for _, h := range o.Hosts {
		shown[h.Host] = h.Steps
		if h.Result.Err != nil {
			broken[h.Host] = h.Result
			s.fleet.fail(h.Host, h.Result.Err)
			hosts = append(hosts, h.Host)
		}
	}
	defer s.lock(ctx, o.ToChange())()
	report := func(ev run.Event) {
		if _, known := broken[ev.Host]; !known { // has been said before
			s.progress.Report(ev)
		}
	}
	result := s.run(ctx, plan.Only(hosts...), run.Runner{Report: report, Shown: shown, Parallel: parallel})
	return merged(o, result, broken)
}

// lock takes the locks of hosts, all at once. A host that is locked by another
// run fails; the others go on.
func (s *Session) lock(ctx context.Context, hosts []string) (unlock func()) {
	note := lockNote(s.command)
	var mu sync.Mutex
	var releases []func()
	var wg sync.WaitGroup
	for _, name := range hosts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			release, err := s.fleet.lock(ctx, name, note)
			if err != nil {
				s.fleet.fail(name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			releases = append(releases, release)
		}()
	}
	wg.Wait()
	return func() {
		for _, release := range releases {
			wg.Add(1)
			go func() {
				defer wg.Done()
				release()
			}()
		}
		wg.Wait()
	}
}

// merged adds the hosts that were in sync from the start to a run's result,
// and puts all into the plan's order.
func merged(o *ui.Outlook, result run.Result, broken map[string]run.HostResult) run.Result {
	applied := map[string]run.HostResult{}
	for _, r := range result {
		applied[r.Host] = r
	}
	var out run.Result
	for _, h := range o.Hosts {
		r, ok := applied[h.Host]
		if b, was := broken[h.Host]; was {
			r, ok = b, true
		}
		if !ok {
			r = run.HostResult{Host: h.Host, State: h.State}
		}
		out = append(out, r)
	}
	return out
}

// showResult prints the summary: what became of each host.
func (s *Session) showResult(result run.Result) {
	s.Say.Result("\n" + ui.Results(result, whatFailed, s.Say.OnOut) + "\n")
}

// whatFailed names the step or the jump host that failed, or else the reason.
func whatFailed(r run.HostResult) string {
	what := cmp.Or(r.Step, hopOf(r))
	if r.Err == nil || what != "" {
		return what
	}
	what = ui.FirstLine(r.Err.Error())
	if step.NamesHost(r.Err, r.Host) {
		what = strings.TrimPrefix(what, r.Host+" ")
	}
	return what
}

// brokenShown is how many failed hosts' last records are printed.
const brokenShown = 3

// showFailures says what failed, with the last that was asked of the hosts.
func (s *Session) showFailures(result run.Result) {
	s.Say.Failures(hostErrors(result))
	if s.Say.Verbose { // has shown it already
		return
	}
	shown := 0
	for _, r := range result {
		if r.State != run.Failed || isConnectError(r.Err) || shown == brokenShown {
			continue
		}
		shown++
		if last := s.Say.Log.Last(r.Host); len(last) > 0 {
			for i := range last {
				last[i] = ui.OneLine(last[i], recordWidth)
			}
			s.Say.Note("the last of the log of %s:\n%s", r.Host, strings.Join(last, "\n"))
		}
	}
}

// recordWidth is how many characters of a record are shown; the log file has all.
const recordWidth = 160
