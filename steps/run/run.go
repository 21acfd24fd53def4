package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ipfabric/steps/step"
)

// A Runner carries out plans. Its fields are set before Run and not changed after.
type Runner struct {
	// Connect gives the host of that name. It may return the same Host again;
	// the Runner does not close it.
	Connect func(ctx context.Context, host string) (step.Host, error)
	// Report gets every event, from several goroutines, one at a time.
	Report func(Event)
	// DryRun looks at all hosts at the same time and changes nothing.
	DryRun bool
	// Shown are the differences that the operator has agreed to, by host, as a
	// dry run reported them; a host that is not in it was shown without any. A
	// host with other differences is skipped with a DriftError. nil applies
	// whatever differs.
	Shown map[string][]Difference
	// Parallel is how many hosts of a parallel stage are changed at the same
	// time. Zero is 10. Looking is not limited by it.
	Parallel int
	// Settle is how long a step may take after Apply until its Check finds no
	// difference. Zero is 30 s.
	Settle time.Duration
	// Stop, once closed, lets what runs finish and begins nothing new.
	Stop <-chan struct{}
}

// ErrStopped is why a step or host was skipped after Stop was closed.
var ErrStopped = errors.New("stopped before it began")

// Run carries out a plan: for each step Check, report, stop if dry run,
// Apply, and Check again until there is no difference or the settle time is
// over. A host's failure skips the rest of that host's steps, in this and in
// later stages; other hosts go on.
func (r *Runner) Run(ctx context.Context, p Plan) Result {
	n := &run{Runner: r, results: map[string]*HostResult{}}
	for _, host := range p.Hosts() {
		n.order = append(n.order, host)
		n.results[host] = &HostResult{Host: host, State: InSync}
	}
	stages := p
	if r.DryRun {
		stages = p.atOnce()
	} else if r.Shown != nil {
		n.compare(ctx, p)
	}
	for _, s := range stages {
		n.stage(ctx, s)
	}
	var out Result
	for _, host := range n.order {
		out = append(out, *n.results[host])
	}
	return out
}

// A run is one call of Run.
type run struct {
	*Runner
	mu      sync.Mutex // guards results, and lets one event be reported at a time
	order   []string
	results map[string]*HostResult

	noMore error // why no host is begun any more
}

// A look is what the checks of one task found on its host.
type look struct {
	Task
	host    step.Host
	checked []checked // one for each step
}

// differs says whether there is something to apply: a difference that no
// error of an earlier step stands before.
func (l *look) differs() bool {
	for _, c := range l.checked {
		if c.err != nil || len(c.diff) > 0 {
			return c.err == nil
		}
	}
	return false
}

// task brings one host through one stage.
func (n *run) task(ctx context.Context, s Stage, t Task) {
	if l := n.look(ctx, s, t); l != nil {
		n.apply(ctx, s, l)
	}
}

// look checks the task's steps. It returns nil if nothing more is to be done
// on the host: the reason is in its result then.
func (n *run) look(ctx context.Context, s Stage, t Task) *look {
	if n.ended(t.Node) != nil {
		return nil
	}
	if why := n.halted(ctx); why != nil {
		n.skip(s.Name, t.Node, why)
		return nil
	}
	if n.DryRun {
		n.report(Event{Stage: s.Name, Host: t.Node}, Looking)
	}
	host, err := n.Connect(ctx, t.Node)
	if err != nil {
		n.fail(Event{Stage: s.Name, Host: t.Node, Err: err})
		return nil
	}
	l := &look{t, host, n.checkAll(ctx, host, t.Steps)}
	if err := n.drift(l); err != nil {
		n.skip(s.Name, t.Node, err)
		return nil
	}
	return l
}

// apply makes the steps of a task true, one after the other.
func (n *run) apply(ctx context.Context, s Stage, l *look) {
	fresh := true // nothing was changed since the look
	for i, step := range l.Steps {
		if n.stopped(ctx) && (fresh || !s.Whole || ctx.Err() != nil) {
			n.skip(s.Name, l.Node, ErrStopped)
			return
		}
		ev := Event{Stage: s.Name, Host: l.Node, Step: step.String()}
		c := l.checked[i]
		if !fresh {
			n.report(ev, Checking)
			c = check(ctx, l.host, step)
		}
		ev.Diff, ev.Err, ev.Took = c.diff, c.err, c.took
		switch {
		case c.err != nil:
			n.fail(ev)
			return
		case len(c.diff) == 0:
			n.report(ev, InSync)
			if !fresh && n.wasShown(l.Node, step) {
				n.count(l.Node, Changed) // by an earlier step
			}
			continue
		}
		n.report(ev, Differs)
		if n.DryRun {
			n.count(l.Node, Differs)
			continue
		}
		fresh = false
		n.report(ev, Applying)
		start := time.Now()
		ev.Err = n.applyStep(ctx, l.host, step)
		ev.Took = time.Since(start)
		if ev.Err != nil {
			n.fail(ev)
			return
		}
		n.report(ev, Changed)
		if n.Shown == nil || n.wasShown(l.Node, step) { // the summary counts what was shown
			n.count(l.Node, Changed)
		}
	}
}

// applyStep makes a step true and waits until its Check agrees.
func (n *run) applyStep(ctx context.Context, host step.Host, s step.Step) error {
	if err := s.Apply(ctx, host); err != nil {
		return err
	}
	settle := n.Settle
	if settle == 0 {
		settle = 30 * time.Second
	}
	deadline := time.Now().Add(settle)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c := check(ctx, host, s)
		if c.err == nil && len(c.diff) == 0 {
			return nil
		}
		if time.Now().Add(wait).After(deadline) {
			if c.err != nil {
				return c.err
			}
			return fmt.Errorf("was applied, but after %s there is still a difference: %s", settle, c.diff)
		}
		if err := step.Pause(ctx, wait); err != nil {
			return err
		}
	}
}

// A checked is what one Check said.
type checked struct {
	diff step.Diff
	err  error
	took time.Duration
}

// checkLimit is how long a Check may take: a daemon that hangs must not make a
// run hang.
const checkLimit = time.Minute

func check(ctx context.Context, r step.Reader, s step.Step) checked {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	start := time.Now()
	diff, err := s.Check(ctx, r)
	return checked{diff, err, time.Since(start)}
}

// checkAll checks all steps at the same time over the one connection: a run
// that changes nothing costs one round trip, not one a step. Only the first
// difference counts for sure, as applying it may settle those after it.
func (n *run) checkAll(ctx context.Context, host step.Host, steps []step.Step) []checked {
	out := make([]checked, len(steps))
	r := CacheOf(host)
	var looks []func()
	for i, s := range steps {
		looks = append(looks, func() { out[i] = check(ctx, r, s) })
	}
	r.Look(looks...)
	return out
}

// fail ends the work on a host. A change that was rolled back or refused is
// not tried on others, where the same would happen.
func (n *run) fail(ev Event) {
	n.mu.Lock()
	r := n.results[ev.Host]
	r.State, r.Step, r.Err = Failed, ev.Step, ev.Err
	n.mu.Unlock()
	switch {
	case step.RolledBack(ev.Err):
		n.end(fmt.Errorf("not begun: the change was rolled back on %s", ev.Host))
	case step.Refused(ev.Err):
		n.end(fmt.Errorf("not begun: %s refused the change", ev.Host))
	}
	n.report(ev, Failed)
}

func (n *run) skip(stage, host string, why error) {
	n.mu.Lock()
	r := n.results[host]
	r.State, r.Err = Skipped, why
	n.mu.Unlock()
	n.report(Event{Stage: stage, Host: host, Err: why}, Skipped)
}

func (n *run) count(host string, s State) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.results[host]
	r.State = s
	r.Changes++
}

func (n *run) report(ev Event, s State) {
	ev.Time, ev.State, ev.Pass = time.Now(), s, "apply"
	if n.DryRun {
		ev.Pass = "plan"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.Report != nil {
		n.Report(ev)
	}
}
