package session

import (
	"cmp"
	"context"
	"slices"
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
	locked, unlock := s.lock(ctx, o.ToChange())
	defer unlock()
	report := func(ev run.Event) {
		// What was said before, or will be for all that are locked at once.
		if _, known := broken[ev.Host]; !known && !locked[ev.Host] {
			s.progress.Report(ev)
		}
	}
	result := s.run(ctx, plan.Only(hosts...), run.Runner{Report: report, Shown: shown, Parallel: parallel})
	return merged(o, result, broken)
}

// lock takes the locks of hosts, all at once. A host that is locked by another
// run fails; the others go on.
func (s *Session) lock(ctx context.Context, hosts []string) (locked map[string]bool, unlock func()) {
	locked = map[string]bool{}
	note := lockNote(s.command)
	var mu sync.Mutex
	var releases []func()
	var wg sync.WaitGroup
	for _, name := range hosts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			release, err := s.fleet.lock(ctx, name, note)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.fleet.fail(name, err)
				locked[name] = isLocked(err)
				return
			}
			releases = append(releases, release)
		}()
	}
	wg.Wait()
	return locked, func() {
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
	if isLocked(r.Err) {
		return "locked by another run"
	}
	what = ui.FirstLine(r.Err.Error())
	if r.State == run.Skipped { // "not begun: rr1 failed …" stands below the table
		what, _, _ = strings.Cut(what, ": ")
	}
	if step.NamesHost(r.Err, r.Host) {
		what = strings.TrimPrefix(what, r.Host+" ")
	}
	return what
}

// brokenShown is how many failed hosts' last records are printed.
const brokenShown = 3

// showFailures says what failed since the plan was shown, with the last that was asked of the hosts.
func (s *Session) showFailures(result run.Result, o *ui.Outlook) {
	shown := o.FailedHosts() // and why
	result = slices.DeleteFunc(slices.Clone(result), func(r run.HostResult) bool {
		return slices.ContainsFunc(shown, func(before run.HostResult) bool { return before.Host == r.Host })
	})
	s.Say.Failures(hostErrors(result))
	if s.Say.Verbose { // has shown it already
		return
	}
	logs := 0
	for _, r := range result {
		if r.State != run.Failed || isConnectError(r.Err) || isLocked(r.Err) || logs == brokenShown {
			continue
		}
		logs++
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
