package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ipfabric/steps/step"
)

// A Runner carries out plans.
type Runner struct {
	// Connect gives the host of that name. It may return the same Host again;
	// the Runner does not close it.
	Connect func(ctx context.Context, host string) (step.Host, error)
	// Report gets every event, from several goroutines, one at a time.
	Report func(Event)
	// DryRun looks at all hosts at the same time and changes nothing.
	DryRun bool
	// Settle is how long a step may take after Apply until its Check finds no
	// difference. Zero is 30 s.
	Settle time.Duration
	// Stop, once closed, lets what runs come to its end and begins nothing new.
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

func (n *run) stage(ctx context.Context, s Stage) {
	if !s.Parallel {
		n.oneByOne(ctx, s)
		return
	}
	tasks := s.Tasks
	if s.FirstAlone && !n.DryRun && len(tasks) > 0 {
		n.task(ctx, s, tasks[0])
		tasks = tasks[1:]
	}
	var wg sync.WaitGroup
	for _, t := range tasks {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n.task(ctx, s, t)
		}()
	}
	wg.Wait()
}

func (n *run) oneByOne(ctx context.Context, s Stage) {
	for i, t := range s.Tasks {
		n.task(ctx, s, t)
		err := n.ended(t.Node)
		if err == nil {
			continue
		}
		why := fmt.Errorf("%s comes first and has not come to a good end: the %s are changed one at a time, so that one keeps its sessions", t.Node, s.Name)
		if n.skipped(t.Node) {
			why = err
		}
		if s.EndsRun {
			n.end(fmt.Errorf("%s comes first and has not come to a good end: no other host is begun after that", t.Node))
		}
		for _, rest := range s.Tasks[i+1:] {
			if n.ended(rest.Node) == nil {
				n.skip(s.Name, rest.Node, why)
			}
		}
		return
	}
}

// task brings one host through one stage.
func (n *run) task(ctx context.Context, s Stage, t Task) {
	stage := s.Name
	if n.ended(t.Node) != nil {
		return
	}
	if why := n.halted(ctx); why != nil {
		n.skip(stage, t.Node, why)
		return
	}
	host, err := n.Connect(ctx, t.Node)
	if err != nil {
		n.fail(Event{Stage: stage, Host: t.Node, Err: err})
		return
	}
	checked := n.checkAll(ctx, host, t.Steps)
	fresh := true // nothing was changed since checkAll
	for i, step := range t.Steps {
		if n.stopped(ctx) && (fresh || !s.Whole || ctx.Err() != nil) {
			n.skip(stage, t.Node, ErrStopped)
			return
		}
		ev := Event{Stage: stage, Host: t.Node, Step: step.String()}
		c := checked[i]
		if !fresh {
			n.report(ev, Checking)
			c = check(ctx, host, step)
		}
		ev.Diff, ev.Err, ev.Took = c.diff, c.err, c.took
		switch {
		case c.err != nil:
			n.fail(ev)
			return
		case len(c.diff) == 0:
			n.report(ev, InSync)
			continue
		}
		n.report(ev, Differs)
		if n.DryRun {
			n.count(t.Node, Differs)
			continue
		}
		fresh = false
		n.report(ev, Applying)
		start := time.Now()
		ev.Err = n.apply(ctx, host, step)
		ev.Took = time.Since(start)
		if ev.Err != nil {
			n.fail(ev)
			return
		}
		n.report(ev, Changed)
		n.count(t.Node, Changed)
	}
}

// apply makes a step true and waits until its Check agrees.
func (n *run) apply(ctx context.Context, host step.Host, s step.Step) error {
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

func (n *run) fail(ev Event) {
	n.mu.Lock()
	r := n.results[ev.Host]
	r.State, r.Step, r.Err = Failed, ev.Step, ev.Err
	var back interface{ RolledBack() bool }
	if errors.As(ev.Err, &back) && back.RolledBack() {
		n.noMore = fmt.Errorf("the change was rolled back on %s, so it is not tried here", ev.Host)
	}
	n.mu.Unlock()
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
