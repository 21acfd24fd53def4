package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// A fakeStep holds once it was applied.
type fakeStep struct {
	name     string
	mu       sync.Mutex
	differs  bool
	stays    bool // Apply does not help
	want     string
	checkErr error
	applyErr error
	applied  int
	onApply  func()
	onCheck  func(context.Context)
}

func (s *fakeStep) String() string { return s.name }

func (s *fakeStep) Check(ctx context.Context, _ step.Reader) (step.Diff, error) {
	if s.onCheck != nil {
		s.onCheck(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checkErr != nil {
		return nil, s.checkErr
	}
	if s.differs {
		return step.Diff{{Item: s.name, Have: "old", Want: wanted(s.want)}}, nil
	}
	return nil, nil
}

func wanted(s string) string {
	if s == "" {
		return "new"
	}
	return s
}

func (s *fakeStep) Apply(context.Context, step.Host) error {
	if s.onApply != nil {
		s.onApply()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied++
	if s.applyErr != nil {
		return s.applyErr
	}
	s.differs = s.stays
	return nil
}

func connectFakes(bad ...string) func(context.Context, string) (step.Host, error) {
	return func(_ context.Context, host string) (step.Host, error) {
		if slices.Contains(bad, host) {
			return nil, errors.New("no route to host")
		}
		return &steptest.Host{Files: map[string]string{}}, nil
	}
}

// summary gives a result as "host state changes step".
func summary(r Result) []string {
	var out []string
	for _, h := range r {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", h.Host, h.State, h.Changes, h.Step)))
	}
	return out
}

func TestRunAppliesWhatDiffersAndNothingElse(t *testing.T) {
	same, differs := &fakeStep{name: "same"}, &fakeStep{name: "differs", differs: true}
	plan := Plan{{Name: "all", Tasks: []Task{{Node: "a", Steps: []step.Step{same, differs}}}}}
	r := Runner{Connect: connectFakes()}
	if diff := cmp.Diff([]string{"a changed 1"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
	if same.applied != 0 || differs.applied != 1 {
		t.Errorf("applied %d and %d times, want 0 and 1", same.applied, differs.applied)
	}
	if diff := cmp.Diff([]string{"a in-sync 0"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Errorf("second run: %s", diff)
	}
}

func TestRunDryRunChangesNothing(t *testing.T) {
	first, second := &fakeStep{name: "one", differs: true}, &fakeStep{name: "two", differs: true}
	plan := Plan{
		{Name: "first", Tasks: []Task{{Node: "a", Steps: []step.Step{first}}}},
		{Name: "second", Tasks: []Task{{Node: "a", Steps: []step.Step{second}}, {Node: "b"}}},
	}
	var events []string
	r := Runner{Connect: connectFakes(), DryRun: true, Report: func(e Event) {
		events = append(events, fmt.Sprint(e.Pass, " ", e.Host, " ", e.Step, " ", e.State, " ", e.Diff))
	}}
	if diff := cmp.Diff([]string{"a differs 2", "b in-sync 0"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
	want := []string{"plan a  looking ", "plan a one differs one is old, want new", "plan a two differs two is old, want new", "plan b  looking "}
	slices.Sort(events) // hosts are looked at at the same time
	if diff := cmp.Diff(want, events); diff != "" {
		t.Error(diff)
	}
	if first.applied+second.applied != 0 {
		t.Error("a dry run applied something")
	}
}

func TestRunFailureStopsTheHostNotTheOthers(t *testing.T) {
	broken := &fakeStep{name: "broken", differs: true, applyErr: errors.New("disk full")}
	after, later := &fakeStep{name: "after", differs: true}, &fakeStep{name: "later", differs: true}
	other := &fakeStep{name: "other", differs: true}
	plan := Plan{
		{Name: "first", Parallel: true, Tasks: []Task{{Node: "a", Steps: []step.Step{broken, after}}, {Node: "b", Steps: []step.Step{other}}, {Node: "down"}}},
		{Name: "second", Parallel: true, Tasks: []Task{{Node: "a", Steps: []step.Step{later}}}},
	}
	r := Runner{Connect: connectFakes("down")}
	want := []string{"a failed 0 broken", "b changed 1", "down failed 0"}
	if diff := cmp.Diff(want, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
	if after.applied+later.applied != 0 {
		t.Error("a host went on after its failure")
	}
}

func TestRunOneAtATimeStopsAtTheFirstFailure(t *testing.T) {
	broken := &fakeStep{name: "reload", differs: true, applyErr: errors.New("sessions lost")}
	second := &fakeStep{name: "reload", differs: true}
	node := &fakeStep{name: "reload", differs: true}
	plan := Plan{
		{Name: "route reflectors", Tasks: []Task{{Node: "rr1", Steps: []step.Step{broken}}, {Node: "rr2", Steps: []step.Step{second}}}},
		{Name: "nodes", Parallel: true, Tasks: []Task{{Node: "n1", Steps: []step.Step{node}}}},
	}
	r := Runner{Connect: connectFakes()}
	result := r.Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"rr1 failed 0 reload", "rr2 skipped 0", "n1 changed 1"}, summary(result)); diff != "" {
		t.Error(diff)
	}
	if second.applied != 0 {
		t.Error("the second reflector was touched after the first had failed")
	}
	if !strings.Contains(result[1].Err.Error(), "rr1") {
		t.Errorf("rr2's reason does not name rr1: %v", result[1].Err)
	}
}

// The first failure of an upgrade is the last.
func TestRunEndsWhereAnUpgradeFails(t *testing.T) {
	broken := &fakeStep{name: "upgrade", differs: true, applyErr: errors.New("disk full")}
	others := &fakeStep{name: "upgrade", differs: true}
	plan := Plan{
		{Name: "hosts", Parallel: true, Tasks: []Task{{Node: "rr1"}, {Node: "rr2"}, {Node: "n1"}, {Node: "n2"}}},
		{Name: "route reflectors", EndsRun: true, Tasks: []Task{{Node: "rr1", Steps: []step.Step{broken}}, {Node: "rr2", Steps: []step.Step{others}}}},
		{Name: "nodes", Tasks: []Task{{Node: "n1", Steps: []step.Step{others}}, {Node: "n2", Steps: []step.Step{others}}}},
	}
	for _, bad := range []string{"", "rr1"} { // it fails, or gives no answer
		r := Runner{Connect: connectFakes(bad)}
		result := r.Run(t.Context(), plan)
		for _, h := range result[1:] {
			if h.State != Skipped || !strings.Contains(h.Err.Error(), "rr1 comes first") {
				t.Errorf("%s is %s: %v", h.Host, h.State, h.Err)
			}
		}
	}
	if others.applied > 0 {
		t.Error("other hosts were upgraded")
	}
}

func TestRunSettles(t *testing.T) {
	stuck := &fakeStep{name: "stuck", differs: true, stays: true}
	plan := Plan{{Name: "all", Tasks: []Task{{Node: "a", Steps: []step.Step{stuck}}}}}
	r := Runner{Connect: connectFakes(), Settle: 10 * time.Millisecond}
	result := r.Run(t.Context(), plan)
	if result[0].State != Failed || !strings.Contains(result[0].Err.Error(), "stuck is old, want new") {
		t.Errorf("got %v, %v", result[0].State, result[0].Err)
	}
}

func TestRunStop(t *testing.T) {
	stop := make(chan struct{})
	running := &fakeStep{name: "running", differs: true, onApply: func() { close(stop) }}
	next := &fakeStep{name: "next", differs: true}
	plan := Plan{
		{Name: "first", Tasks: []Task{{Node: "a", Steps: []step.Step{running, next}}}},
		{Name: "second", Tasks: []Task{{Node: "b", Steps: []step.Step{next}}}},
	}
	r := Runner{Connect: connectFakes(), Stop: stop}
	result := r.Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"a skipped 1", "b skipped 0"}, summary(result)); diff != "" {
		t.Error(diff)
	}
	if running.applied != 1 || next.applied != 0 {
		t.Errorf("applied %d and %d times, want what ran to end and nothing to begin", running.applied, next.applied)
	}
	if !errors.Is(result[0].Err, ErrStopped) {
		t.Errorf("got %v", result[0].Err)
	}
}

func TestTheCacheAsksEachQuestionOnce(t *testing.T) {
	h := &steptest.Host{Files: map[string]string{"/f": "x"}, Answers: map[string]string{"uname -m": "x86_64\n"}}
	o := NewCache(h)
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if out, err := o.Query(t.Context(), "uname", "-m"); out != "x86_64\n" || err != nil {
				t.Errorf("got %q, %v", out, err)
			}
		}()
	}
	wg.Wait()
	if len(h.Log) != 1 {
		t.Errorf("asked %d times", len(h.Log))
	}
}

// rolledBackErr is a change that was taken back.
type rolledBackErr struct{}

func (rolledBackErr) Error() string    { return "rolled back" }
func (rolledBackErr) RolledBack() bool { return true }

func TestRunDoesNotSpreadAChangeThatWasRolledBack(t *testing.T) {
	bad := &fakeStep{name: "reload", differs: true, applyErr: rolledBackErr{}}
	good := &fakeStep{name: "reload", differs: true}
	plan := Plan{
		{Name: "hosts", Parallel: true, Tasks: []Task{{Node: "n1"}, {Node: "n2"}, {Node: "n3"}}},
		{Name: "nodes", Parallel: true, Canary: true, Tasks: []Task{
			{Node: "n1", Steps: []step.Step{bad}}, {Node: "n2", Steps: []step.Step{good}}, {Node: "n3", Steps: []step.Step{good}},
		}},
	}
	result := (&Runner{Connect: connectFakes()}).Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"n1 failed 0 reload", "n2 skipped 0", "n3 skipped 0"}, summary(result)); diff != "" {
		t.Error(diff)
	}
	if good.applied != 0 || !strings.Contains(result[1].Err.Error(), "n1") {
		t.Errorf("applied %d times; %v", good.applied, result[1].Err)
	}
}

// A failure that is no rollback is the host's own: the next is the canary.
func TestRunGoesOnAfterACanaryHasFailed(t *testing.T) {
	bad := &fakeStep{name: "a", differs: true, applyErr: errors.New("disk full")}
	good := &fakeStep{name: "a", differs: true}
	plan := Plan{{Name: "nodes", Parallel: true, Canary: true, Tasks: []Task{{Node: "n1", Steps: []step.Step{bad}}, {Node: "n2", Steps: []step.Step{good}}}}}
	result := (&Runner{Connect: connectFakes()}).Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"n1 failed 0 a", "n2 changed 1"}, summary(result)); diff != "" {
		t.Error(diff)
	}
}

func TestRunStopBringsAWholeTaskToItsEnd(t *testing.T) {
	stop := make(chan struct{})
	first := &fakeStep{name: "first", differs: true, onApply: func() { close(stop) }}
	second := &fakeStep{name: "second", differs: true}
	other := &fakeStep{name: "other", differs: true}
	plan := Plan{{Name: "reflectors", Whole: true, Tasks: []Task{{Node: "a", Steps: []step.Step{first, second}}, {Node: "b", Steps: []step.Step{other}}}}}
	result := (&Runner{Connect: connectFakes(), Stop: stop}).Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"a changed 2", "b skipped 0"}, summary(result)); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(result[1].Err, ErrStopped) {
		t.Errorf("got %v", result[1].Err)
	}
}

// After a change the steps that follow are checked again: it may have settled
// them, or made them necessary.
func TestRunChecksAgainAfterAChange(t *testing.T) {
	settled, needed := &fakeStep{name: "settled", differs: true}, &fakeStep{name: "needed"}
	first := &fakeStep{name: "first", differs: true, onApply: func() { settled.differs, needed.differs = false, true }}
	plan := Plan{{Name: "all", Tasks: []Task{{Node: "a", Steps: []step.Step{first, settled, needed}}}}}
	if diff := cmp.Diff([]string{"a changed 2"}, summary((&Runner{Connect: connectFakes()}).Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
	if settled.applied != 0 || needed.applied != 1 {
		t.Errorf("applied %d and %d times, want 0 and 1", settled.applied, needed.applied)
	}
}

// A step that cannot be checked after it was applied has not become true.
func TestRunFailsWhereAChangeCannotBeChecked(t *testing.T) {
	blind := &fakeStep{name: "blind", differs: true}
	blind.onApply = func() { blind.checkErr = errors.New("no answer") }
	plan := Plan{{Name: "all", Tasks: []Task{{Node: "a", Steps: []step.Step{blind}}}}}
	result := (&Runner{Connect: connectFakes(), Settle: 10 * time.Millisecond}).Run(t.Context(), plan)
	if result[0].State != Failed || result[0].Err.Error() != "no answer" {
		t.Errorf("got %v: %v", result[0].State, result[0].Err)
	}
}

// The second Ctrl-C ends the context: then a whole task is cut off, too.
func TestRunCutsAWholeTaskOffWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	first, second := &fakeStep{name: "first", differs: true, onApply: cancel}, &fakeStep{name: "second", differs: true}
	plan := Plan{{Name: "nodes", Whole: true, Tasks: []Task{{Node: "a", Steps: []step.Step{first, second}}, {Node: "b", Steps: []step.Step{second}}}}}
	result := (&Runner{Connect: connectFakes()}).Run(ctx, plan)
	if diff := cmp.Diff([]string{"a skipped 1", "b skipped 0"}, summary(result)); diff != "" || second.applied != 0 {
		t.Errorf("%s, the second was applied %d times", diff, second.applied)
	}
}

// A whole task that has changed nothing yet is not begun after Ctrl-C.
func TestRunStopsAWholeTaskThatWasOnlyLookedAt(t *testing.T) {
	stop := make(chan struct{})
	only := &fakeStep{name: "only", differs: true, onCheck: func(context.Context) { close(stop) }}
	plan := Plan{{Name: "nodes", Whole: true, Tasks: []Task{{Node: "a", Steps: []step.Step{only}}}}}
	result := (&Runner{Connect: connectFakes(), Stop: stop}).Run(t.Context(), plan)
	if only.applied != 0 || !errors.Is(result[0].Err, ErrStopped) {
		t.Errorf("applied %d times: %v", only.applied, result[0].Err)
	}
}

// A daemon that hangs must not make a run hang.
func TestRunGivesEachCheckAMinute(t *testing.T) {
	looked := &fakeStep{name: "looked", onCheck: func(ctx context.Context) {
		if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Minute {
			t.Errorf("a check may take until %v", end)
		}
	}}
	(&Runner{Connect: connectFakes()}).Run(t.Context(), Plan{{Name: "all", Tasks: []Task{{Node: "a", Steps: []step.Step{looked}}}}})
}

// What is said is why the first host failed, whatever failed after it.
func TestTheFirstReasonIsGiven(t *testing.T) {
	n := &run{Runner: &Runner{}}
	n.end(errors.New("first"))
	n.end(errors.New("second"))
	if err := n.halted(t.Context()); err == nil || err.Error() != "first" {
		t.Errorf("got %v", err)
	}
}
