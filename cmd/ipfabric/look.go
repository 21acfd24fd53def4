package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ipfabric/remote"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
)

// An outlook is what a dry run found. It is also `plan --json`.
type outlook struct {
	Fabric  string        `json:"fabric"`
	Changes int           `json:"changes"` // steps that differ, on all hosts
	Failed  int           `json:"failed"`  // hosts that could not be looked at
	Hosts   []hostOutlook `json:"hosts"`
}

// A hostOutlook is one host of an outlook.
type hostOutlook struct {
	Host  string           `json:"host"`
	Role  string           `json:"role"`
	State run.State        `json:"state"` // in-sync, differs, failed or skipped
	Steps []run.Difference `json:"steps"` // in their order
	Error string           `json:"error,omitempty"`
	Hint  string           `json:"hint,omitempty"`

	FRR *frr.Versions `json:"frr,omitempty"` // in a plan, where the host told it

	result run.HostResult
}

// err is what failed on the host, nil if nothing did.
func (h hostOutlook) err() error { return hostError(h.result) }

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
		if err := h.err(); err != nil {
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

// failed are the results of the hosts that could not be looked at, in order.
func (o *outlook) failed() run.Result {
	var out run.Result
	for _, h := range o.Hosts {
		if h.result.Err != nil {
			out = append(out, h.result)
		}
	}
	return out
}

// hostErrors are the sentences for hosts that failed or were left out. Hosts
// behind a jump host that failed share one, and so do hosts that were skipped
// for the same reason.
func hostErrors(result run.Result) []error {
	shares := func(r run.HostResult) bool { return hopOf(r) != "" || r.State == run.Skipped }
	hosts := map[string][]string{} // by the reason that they share
	for _, r := range result {
		if shares(r) {
			hosts[r.Err.Error()] = append(hosts[r.Err.Error()], r.Host)
		}
	}
	var out []error
	for _, r := range result {
		if shares(r) {
			names := hosts[r.Err.Error()]
			delete(hosts, r.Err.Error())
			if len(names) == 0 { // said with another host
				continue
			}
			r.Host = strings.Join(names, ", ")
		}
		if err := hostError(r); err != nil {
			out = append(out, err)
		}
	}
	return out
}

// hopOf names the jump host, if it was one that failed.
func hopOf(r run.HostResult) string {
	var c *remote.ConnectError
	if r.Step != "" || !errors.As(r.Err, &c) || c.Host == r.Host {
		return ""
	}
	return c.Host
}

// hostError is the sentence for what failed on a host, from outside in. An
// error of the connection names its host itself.
func hostError(r run.HostResult) error {
	if r.Err == nil {
		return nil
	}
	text := r.Err.Error()
	if r.Step == "" && strings.HasPrefix(text, r.Host+" ") {
		return r.Err
	}
	if r.Step == "" {
		return fmt.Errorf("%s: %w", r.Host, r.Err)
	}
	return fmt.Errorf("%s: %s: %w", r.Host, r.Step, r.Err)
}

// render gives the outlook for people. Hosts of which the same is to be said
// share one paragraph.
func (o *outlook) render(much extent, paint func(style, string) string) string {
	var paragraphs []string
	hosts := map[string][]string{} // by paragraph
	inSync := 0
	for _, h := range o.Hosts {
		if h.result.Err == nil && len(h.Steps) == 0 {
			inSync++
			continue
		}
		p := h.paragraph(much, paint)
		if hosts[p] == nil {
			paragraphs = append(paragraphs, p)
		}
		hosts[p] = append(hosts[p], h.Host)
	}
	var b strings.Builder
	for _, p := range paragraphs {
		fmt.Fprintf(&b, "%s  %s\n", paint(bold, strings.Join(hosts[p], ", ")), p)
	}
	b.WriteString(o.frrLine())
	b.WriteString(o.summary(inSync) + "\n")
	return b.String()
}

// paragraph is what there is to say of a host, but for its name.
func (h hostOutlook) paragraph(much extent, paint func(style, string) string) string {
	var b strings.Builder
	switch {
	case h.result.Err != nil && len(h.Steps) > 0:
		b.WriteString(paint(red, "could not be looked at to the end; so far "+count(len(h.Steps), "change")) + "\n")
	case h.result.Err != nil:
		b.WriteString(paint(red, "could not be looked at") + "\n")
	default:
		b.WriteString(paint(yellow, count(len(h.Steps), "change")) + "\n")
	}
	for _, st := range h.Steps {
		b.WriteString("  " + paint(bold, st.Step) + "\n")
		b.WriteString(indent("    ", renderDiff(st.Diff, much, paint)))
	}
	return b.String()
}

func (o *outlook) summary(inSync int) string {
	parts := []string{count(o.Changes, "change") + " to make"}
	if o.Changes == 0 {
		parts[0] = "0 changes"
	}
	if inSync > 0 {
		parts = append(parts, count(inSync, "host")+" in sync")
	}
	if o.Failed > 0 {
		parts = append(parts, count(o.Failed, "host")+" could not be looked at")
	}
	return strings.Join(parts, ", ")
}

// toChange names the hosts that a run has something to do on.
func (o *outlook) toChange() []string {
	var out []string
	for _, h := range o.Hosts {
		if h.result.Err == nil && len(h.Steps) > 0 {
			out = append(out, h.Host)
		}
	}
	return out
}

// much is how much of a difference the operator wants to see.
func (s *session) much() extent {
	if s.say.verbose {
		return everything
	}
	return inShort
}
