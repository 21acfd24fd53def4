package run

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step"
)

// shown is what a dry run shows of a plan.
func shown(t *testing.T, p Plan) map[string][]Difference {
	t.Helper()
	out := map[string][]Difference{}
	r := Runner{Connect: connectFakes(), DryRun: true, Report: func(e Event) {
		if e.State == Differs {
			out[e.Host] = append(out[e.Host], Difference{e.Step, e.Diff})
		}
	}}
	r.Run(t.Context(), p)
	return out
}

// A host that has changed since it was shown is left alone, whatever changed
// on it, and in whichever stage.
func TestOnlyWhatWasShownIsApplied(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(packages, conf *fakeStep) // since it was shown
		want   string
	}{
		{"nothing", func(_, _ *fakeStep) {}, ""},
		{"another difference", func(_, conf *fakeStep) { conf.want = "newer" }, "now frr.conf is old, want newer"},
		{"a whole file", func(_, conf *fakeStep) { conf.want = "router bgp 1\nexit\n" }, "frr.conf differs in another way"},
		{"one less", func(packages, _ *fakeStep) { packages.differs = false }, "packages does not differ any more"},
		{"both gone", func(packages, conf *fakeStep) { packages.differs, conf.differs = false, false }, "packages does not differ any more; frr.conf does not differ any more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			packages, conf := &fakeStep{name: "packages", differs: true}, &fakeStep{name: "frr.conf", differs: true}
			other := &fakeStep{name: "packages", differs: true}
			plan := Plan{
				{Name: "hosts", Parallel: true, Tasks: []Task{{Node: "n1", Steps: []step.Step{packages}}, {Node: "n2", Steps: []step.Step{other}}}},
				{Name: "nodes", Parallel: true, Canary: true, Tasks: []Task{{Node: "n1", Steps: []step.Step{conf}}}},
			}
			r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
			tt.change(packages, conf)
			result := r.Run(t.Context(), plan)
			want := []string{"n1 skipped 0", "n2 changed 1"}
			if tt.want == "" {
				want[0] = "n1 changed 2"
			}
			if diff := cmp.Diff(want, summary(result)); diff != "" {
				t.Error(diff)
			}
			if tt.want == "" {
				return
			}
			if packages.applied+conf.applied > 0 {
				t.Error("something was applied that was not shown")
			}
			var drift DriftError
			if !errors.As(result[0].Err, &drift) || drift.Hint() == "" || drift.Error() != "changed since it was shown: "+tt.want {
				t.Errorf("got %v, want %s", result[0].Err, tt.want)
			}
		})
	}
}

// A host that was in sync when it was shown is not changed either.
func TestAHostThatWasShownInSync(t *testing.T) {
	conf := &fakeStep{name: "frr.conf", differs: true}
	plan := Plan{{Name: "nodes", Tasks: []Task{{Node: "n1", Steps: []step.Step{conf}}}}}
	result := (&Runner{Connect: connectFakes(), Shown: map[string][]Difference{}}).Run(t.Context(), plan)
	if conf.applied > 0 || result[0].State != Skipped || !strings.Contains(result[0].Err.Error(), "frr.conf is old, want new") {
		t.Errorf("applied %d times, %v: %v", conf.applied, result[0].State, result[0].Err)
	}
}

// What a later stage finds may be a consequence of an earlier one: the exact
// version, once the package lists are there.
func TestConsequencesOfTheRunItselfAreApplied(t *testing.T) {
	conf := &fakeStep{name: "frr.conf", differs: true, want: "for about 8.4"}
	packages := &fakeStep{name: "packages", differs: true, onApply: func() { conf.want = "for 8.4.4" }}
	plan := Plan{
		{Name: "hosts", Tasks: []Task{{Node: "n1", Steps: []step.Step{packages}}}},
		{Name: "nodes", Tasks: []Task{{Node: "n1", Steps: []step.Step{conf}}}},
	}
	r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
	if diff := cmp.Diff([]string{"n1 changed 2"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
}

// Another host's change takes minutes. What was changed on a host meanwhile,
// by hand, is found when its turn comes.
func TestAChangeWhileOthersAreDone(t *testing.T) {
	second := &fakeStep{name: "frr.conf", differs: true}
	first := &fakeStep{name: "frr.conf", differs: true, onApply: func() { second.want = "newer" }}
	plan := Plan{{Name: "route reflectors", Tasks: []Task{{Node: "rr1", Steps: []step.Step{first}}, {Node: "rr2", Steps: []step.Step{second}}}}}
	r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
	if diff := cmp.Diff([]string{"rr1 changed 1", "rr2 skipped 0"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
}

// A host that cannot be looked at to its end any more is not begun.
func TestAHostThatCannotBeComparedFails(t *testing.T) {
	packages, conf := &fakeStep{name: "packages", differs: true}, &fakeStep{name: "frr.conf", differs: true}
	plan := Plan{{Name: "hosts", Tasks: []Task{{Node: "n1", Steps: []step.Step{packages, conf}}}}}
	r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
	conf.checkErr = errors.New("no answer")
	if diff := cmp.Diff([]string{"n1 failed 0 frr.conf"}, summary(r.Run(t.Context(), plan))); diff != "" {
		t.Error(diff)
	}
	if packages.applied > 0 {
		t.Error("a part of it was applied")
	}
}

// The first reflector was left alone: so is the second, which may have to keep
// the sessions.
func TestAReflectorThatHasDriftedKeepsTheNext(t *testing.T) {
	one, two := &fakeStep{name: "frr.conf", differs: true}, &fakeStep{name: "frr.conf", differs: true}
	plan := Plan{{Name: "route reflectors", Tasks: []Task{{Node: "rr1", Steps: []step.Step{one}}, {Node: "rr2", Steps: []step.Step{two}}}}}
	r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
	one.want = "newer"
	result := r.Run(t.Context(), plan)
	if one.applied+two.applied > 0 || !strings.Contains(result[1].Err.Error(), "rr1 comes first and is left alone") {
		t.Errorf("applied %d and %d times; rr2: %v", one.applied, two.applied, result[1].Err)
	}
}

// The summary counts what the plan listed: also what an earlier step settled,
// and not what only the change itself made necessary.
func TestTheSummaryCountsWhatWasShown(t *testing.T) {
	settled, confirm := &fakeStep{name: "settled", differs: true}, &fakeStep{name: "confirm"}
	first := &fakeStep{name: "first", differs: true}
	first.onApply = func() { settled.differs, confirm.differs = false, true }
	plan := Plan{{Name: "nodes", Tasks: []Task{{Node: "a", Steps: []step.Step{first, settled, confirm}}}}}
	r := Runner{Connect: connectFakes(), Shown: shown(t, plan)}
	if got := summary(r.Run(t.Context(), plan)); !slices.Equal(got, []string{"a changed 2"}) || confirm.applied != 1 {
		t.Errorf("%q, confirmed %d times", got, confirm.applied)
	}
}
