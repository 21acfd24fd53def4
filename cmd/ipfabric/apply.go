package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ipfabric/steps"
)

// apply carries out the plan on the hosts that differ. Hosts that could not be
// looked at stay in it with the error of then: a stage that changes one host
// after the other must not go on to the second when the first is down.
func (s *session) apply(ctx context.Context, plan steps.Plan, o *outlook) steps.Result {
	defer s.signals.change()()
	broken := map[string]steps.HostResult{}
	hosts := o.toChange()
	for _, h := range o.Hosts {
		if h.result.Err != nil {
			broken[h.Host] = h.result
			s.fleet.fail(h.Host, h.result.Err)
			hosts = append(hosts, h.Host)
		}
	}
	defer s.lock(ctx, o.toChange())()
	result := s.run(ctx, plan.Only(hosts...), false, func(ev steps.Event) {
		if _, known := broken[ev.Host]; !known { // has been said before
			s.progress.report(ev)
		}
	})
	return merged(o, result, broken)
}

// lock takes the locks of hosts, all at once. A host that is locked by another
// run fails; the others go on.
func (s *session) lock(ctx context.Context, hosts []string) (unlock func()) {
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
func merged(o *outlook, result steps.Result, broken map[string]steps.HostResult) steps.Result {
	applied := map[string]steps.HostResult{}
	for _, r := range result {
		applied[r.Host] = r
	}
	var out steps.Result
	for _, h := range o.Hosts {
		r, ok := applied[h.Host]
		if b, was := broken[h.Host]; was {
			r, ok = b, true
		}
		if !ok {
			r = steps.HostResult{Host: h.Host, State: h.State}
		}
		out = append(out, r)
	}
	return out
}

// showResult prints the summary: what became of each host.
func (s *session) showResult(result steps.Result) {
	t := &table{}
	t.head("HOST", "STATE", "CHANGES", "WHAT FAILED")
	for _, r := range result {
		what := orElse(r.Step, hopOf(r))
		if r.Err != nil && what == "" {
			what = firstLine(r.Err.Error())
			if steps.NamesHost(r.Err, r.Host) {
				what = strings.TrimPrefix(what, r.Host+" ")
			}
		}
		t.row(cell{r.Host, bold}, cell{string(r.State), stateStyle(r.State)}, cell{fmt.Sprint(r.Changes), plain}, cell{what, plain})
	}
	s.say.result("\n" + t.render(s.say.onOut) + "\n")
}

// brokenShown is how many failed hosts' last records are printed.
const brokenShown = 3

// showFailures says what failed, with the last that was asked of the hosts.
func (s *session) showFailures(result steps.Result) {
	s.say.failures(hostErrors(result))
	if s.say.verbose { // has shown it already
		return
	}
	shown := 0
	for _, r := range result {
		if r.State != steps.Failed || isConnectError(r.Err) || shown == brokenShown {
			continue
		}
		shown++
		if last := s.say.log.last(r.Host); len(last) > 0 {
			for i := range last {
				last[i] = oneLine(last[i], recordWidth)
			}
			s.say.note("the last of the log of %s:\n%s", r.Host, strings.Join(last, "\n"))
		}
	}
}

// recordWidth is how many characters of a record are shown; the log file has all.
const recordWidth = 160

// oneLine returns the first line of a text, with at most so many characters.
func oneLine(text string, most int) string {
	line := firstLine(text)
	cut := len(line) < len(strings.TrimSpace(text))
	if r := []rune(line); len(r) > most || cut && len(r) > most-2 {
		return string(r[:most-1]) + "…"
	}
	if cut {
		return line + " …"
	}
	return line
}

// failedOf returns the hosts that failed or were left out.
func failedOf(result steps.Result) steps.Result {
	return slices.DeleteFunc(slices.Clone(result), func(r steps.HostResult) bool { return r.Err == nil })
}
