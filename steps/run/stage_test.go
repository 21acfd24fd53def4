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
)

// refusedErr is a change that was refused before anything was touched.
type refusedErr struct{}

func (refusedErr) Error() string { return "the AS number changes" }
func (refusedErr) Refused() bool { return true }

// A fleet records which hosts are changed, and how many at the same time.
type fleet struct {
	mu      sync.Mutex
	begun   []string
	running int
	most    int
	wait    map[string]chan struct{} // host → Apply waits until it is closed
	applied func(host string)        // called as Apply begins; may be nil
}

// stage gives nodes n1, n2, … of which each does what its word says: "ok" is
// changed, "sync" has nothing to change, the others fail in their way.
func (f *fleet) stage(words ...string) Stage {
	s := Stage{Name: "nodes", Parallel: true, Canary: true, Whole: true}
	for i, word := range words {
		host := fmt.Sprintf("n%d", i+1)
		st := &fakeStep{name: "reload", differs: true}
		switch word {
		case "sync":
			st.differs = false
		case "broken":
			st.applyErr = errors.New("disk full")
		case "blind":
			st.checkErr = errors.New("no answer")
		case "refuses":
			st.applyErr = refusedErr{}
		case "rolled-back":
			st.applyErr = rolledBackErr{}
		case "half": // one step is changed, the next one fails
			s.Add(host, &fakeStep{name: "packages", differs: true})
			st.applyErr = errors.New("disk full")
		}
		st.onApply = func() {
			f.mu.Lock()
			f.begun = append(f.begun, host)
			f.running++
			f.most = max(f.most, f.running)
			wait := f.wait[host]
			if f.applied != nil {
				f.applied(host)
			}
			f.mu.Unlock()
			if wait != nil {
				<-wait
			}
			f.mu.Lock()
			f.running--
			f.mu.Unlock()
		}
		s.Add(host, st)
	}
	return s
}

// The canary is the first host that was changed and is well after it. Until
// then one host is changed at a time.
func TestCanary(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hosts []string
		down  []string
		want  string // of the result
		begun string // hosts that were changed, in order, before and with the canary
	}{
		{"the first host is down", []string{"ok", "rolled-back", "rolled-back"}, []string{"n1"}, "failed failed skipped", "n2"},
		{"the first host is in sync", []string{"sync", "rolled-back", "rolled-back", "rolled-back"}, nil, "in-sync failed skipped skipped", "n2"},
		{"all would roll back", []string{"rolled-back", "rolled-back", "rolled-back"}, nil, "failed skipped skipped", "n1"},
		{"all would refuse", []string{"refuses", "refuses", "refuses"}, nil, "failed skipped skipped", "n1"},
		{"one fails by itself, the next rolls back", []string{"broken", "rolled-back", "ok", "ok"}, nil, "failed failed skipped skipped", "n1 n2"},
		{"one cannot be looked at", []string{"blind", "rolled-back", "ok"}, nil, "failed failed skipped", "n2"},
		{"one is changed in part", []string{"half", "rolled-back", "ok"}, nil, "failed failed skipped", "n1 n2"},
		{"all fail by themselves", []string{"broken", "broken", "broken"}, nil, "failed failed failed", "n1 n2 n3"},
		{"all is well", []string{"ok", "sync", "ok"}, nil, "changed in-sync changed", "n1 n3"},
		{"nothing to do", []string{"sync", "sync"}, nil, "in-sync in-sync", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f fleet
			result := (&Runner{Connect: connectFakes(tt.down...)}).Run(t.Context(), Plan{f.stage(tt.hosts...)})
			var states []string
			for _, h := range result {
				states = append(states, string(h.State))
			}
			if got := strings.Join(states, " "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := strings.Join(f.begun, " "); got != tt.begun {
				t.Errorf("changed %q, want %q", got, tt.begun)
			}
		})
	}
}

// While the canary is changed, no other host is; after it the rest go at once.
func TestCanaryIsAlone(t *testing.T) {
	gates := map[string]chan struct{}{"n2": make(chan struct{}), "n3": make(chan struct{})}
	f := &fleet{wait: gates}
	first := make(chan struct{})
	// n2 and n3 end only once both are being changed.
	open := sync.OnceFunc(func() { close(gates["n2"]); close(gates["n3"]) })
	f.applied = func(host string) {
		if host == "n1" {
			return
		}
		select {
		case <-first:
		default:
			t.Errorf("%s was begun before n1 had ended", host)
		}
		if f.running == 2 {
			open()
		}
	}
	r := &Runner{Connect: connectFakes(), Report: func(e Event) {
		if e.Host == "n1" && e.State == Changed {
			close(first)
		}
	}}
	time.AfterFunc(10*time.Second, open) // else a stage that is not parallel would hang
	r.Run(t.Context(), Plan{f.stage("ok", "ok", "ok")})
	if f.most != 2 {
		t.Errorf("at most %d hosts were changed at the same time, want n2 and n3", f.most)
	}
}

// Hosts in sync are looked at together with the others, not one by one before
// the canary: each look takes its time.
func TestHostsInSyncDoNotWaitForEachOther(t *testing.T) {
	var mu sync.Mutex
	connected := 0
	all := make(chan struct{})
	fakes := connectFakes()
	r := &Runner{Connect: func(ctx context.Context, host string) (step.Host, error) {
		mu.Lock()
		if connected++; connected == 20 {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the others were not begun", host)
		}
		return fakes(ctx, host)
	}}
	var f fleet
	result := r.Run(t.Context(), Plan{f.stage(slices.Repeat([]string{"sync"}, 20)...)})
	if len(result) != 20 || result[19].State != InSync {
		t.Errorf("got %v", summary(result))
	}
}

// Only a host that is changed after another one is looked at again, as its look
// may be minutes old.
func TestLooksOfAStageWithACanary(t *testing.T) {
	var mu sync.Mutex
	looks := map[string]int{}
	fakes := connectFakes()
	r := &Runner{Connect: func(ctx context.Context, host string) (step.Host, error) {
		mu.Lock()
		defer mu.Unlock()
		looks[host]++
		return fakes(ctx, host)
	}}
	var f fleet
	r.Run(t.Context(), Plan{f.stage("sync", "ok", "sync", "ok", "sync")})
	if diff := cmp.Diff(map[string]int{"n1": 1, "n2": 1, "n3": 1, "n4": 2, "n5": 1}, looks); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
}

// A host that has failed before keeps its reason when a host before it fails.
func TestAHostThatFailedBeforeStaysFailed(t *testing.T) {
	broken := &fakeStep{name: "packages", checkErr: errors.New("no answer")}
	var f fleet
	s := f.stage("broken", "ok")
	s.Parallel = false
	plan := Plan{{Name: "hosts", Parallel: true, Tasks: []Task{{Node: "n1"}, {Node: "n2", Steps: []step.Step{broken}}}}, s}
	result := (&Runner{Connect: connectFakes()}).Run(t.Context(), plan)
	if diff := cmp.Diff([]string{"n1 failed 0 reload", "n2 failed 0 packages"}, summary(result)); diff != "" {
		t.Error(diff)
	}
}

// Not more hosts than Parallel are changed at the same time, and a rollback
// keeps those that have not begun.
func TestParallelIsALimit(t *testing.T) {
	for _, tt := range []struct{ parallel, hosts, want int }{{0, 25, 10}, {3, 8, 3}, {1, 3, 1}} {
		var f fleet
		f.wait = map[string]chan struct{}{}
		stage := f.stage(slices.Repeat([]string{"ok"}, tt.hosts)...)
		stage.Canary = false
		for _, task := range stage.Tasks {
			f.wait[task.Node] = make(chan struct{})
		}
		// Those that run end only once no other can begin.
		begun := 0
		r := &Runner{Connect: connectFakes(), Parallel: tt.parallel, Report: func(e Event) {
			if e.State != Applying {
				return
			}
			if begun++; begun == tt.want {
				for _, gate := range f.wait {
					close(gate)
				}
			}
		}}
		result := r.Run(t.Context(), Plan{stage})
		if f.most > tt.want || begun != tt.hosts {
			t.Errorf("Parallel %d: %d hosts at the same time, want %d; %d of %d were changed", tt.parallel, f.most, tt.want, begun, tt.hosts)
		}
		if last := result[tt.hosts-1]; last.State != Changed {
			t.Errorf("got %v", last)
		}
	}

	var f fleet
	result := (&Runner{Connect: connectFakes(), Parallel: 1}).Run(t.Context(), Plan{f.stage("ok", "rolled-back", "ok")})
	if diff := cmp.Diff([]string{"n1 changed 1", "n2 failed 0 reload", "n3 skipped 0"}, summary(result)); diff != "" {
		t.Error(diff)
	}
}

func TestWhyAHostIsNotBegun(t *testing.T) {
	for word, want := range map[string]string{
		"refuses":     "not begun: n1 refused the change",
		"rolled-back": "not begun: the change was rolled back on n1",
	} {
		for _, parallel := range []bool{true, false} {
			var f fleet
			s := f.stage(word, "ok")
			s.Parallel = parallel
			result := (&Runner{Connect: connectFakes()}).Run(t.Context(), Plan{s})
			if result[1].Err == nil || result[1].Err.Error() != want {
				t.Errorf("%s, parallel %v: n2: %v, want %s", word, parallel, result[1].Err, want)
			}
		}
	}
}
