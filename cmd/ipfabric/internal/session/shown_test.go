package session

import (
	"context"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
)

// Two operators have been shown the same. Where the first one's yes was
// carried out, a later yes of the second changes nothing.
func TestALateYesChangesNothing(t *testing.T) {
	b := newBench(t)
	plan := b.testPlan()
	late, err := b.look(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.Converge(context.Background(), plan, InitOptions{Yes: true, NoVerify: true}), ui.ExitOK)
	b.hosts["rr2"].Files["/etc/two"] = "by hand\n" // since then
	for _, h := range b.hosts {
		h.Log = nil
	}
	result := b.apply(context.Background(), plan, late, 10)
	if b.written() != "" || b.hosts["rr2"].Files["/etc/two"] != "by hand\n" {
		t.Errorf("written: %s", b.written())
	}
	b.showFailures(result, late)
	wantText(t, "stderr", b.err.String(),
		"rr1, node1: changed since it was shown: /etc/one does not differ any more; /etc/two does not differ any more",
		"rr2: changed since it was shown: /etc/one does not differ any more; /etc/two differs in another way",
		"hint: run it again")
	err = b.finish(context.Background(), InitOptions{NoVerify: true}, true, failedOf(result), len(result))
	wantCode(t, err, ui.ExitHosts)
	if err.Error() != "3 hosts changed since the plan was shown" {
		t.Errorf("got %v", err)
	}
}

// A host that was changed by somebody else is left alone, the others are done,
// and the next run shows what it is about.
func TestAHostThatChangedWhileTheOperatorWasAsked(t *testing.T) {
	b := newBench(t)
	b.settle("rr1", "rr2")
	b.hosts["rr2"].Files["/etc/two"] = "old\n"
	o, err := b.look(context.Background(), b.testPlan())
	if err != nil {
		t.Fatal(err)
	}
	b.hosts["node1"].Files["/etc/one"] = "by hand\n"
	result := b.apply(context.Background(), b.testPlan(), o, 10)
	if got := b.written(); got != "rr2" {
		t.Errorf("written: %s", got)
	}
	if text := failureText(failedOf(result), len(result)); text != "1 host changed since the plan was shown, the others are done" {
		t.Error(text)
	}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "-by hand")
}

type refusal struct{}

func (refusal) Error() string { return "the BGP password changes" }
func (refusal) Refused() bool { return true }

// One host refused the change before anything was touched: nothing failed
// elsewhere, and nothing was rolled back.
func TestOneHostRefusesForAll(t *testing.T) {
	b := newBench(t)
	err := b.Converge(context.Background(), b.testPlan(fakeStep{path: "/etc/one", want: "1\n", applyErr: refusal{}}), InitOptions{Yes: true, NoVerify: true})
	wantCode(t, err, ui.ExitHosts)
	if err.Error() != "1 host refused the change, 2 not begun" {
		t.Errorf("got %v", err)
	}
	wantText(t, "stderr", b.err.String(),
		"error: rr1: /etc/one is current: the BGP password changes",
		"error: rr2, node1: not begun: rr1 refused the change\n")
	if strings.Contains(b.err.String(), "rolled back") {
		t.Errorf("said that something was rolled back:\n%s", b.err)
	}
}

func TestWhatFailedIsCounted(t *testing.T) {
	skipped := func(changes int, err error) run.HostResult {
		return run.HostResult{State: run.Skipped, Changes: changes, Err: err}
	}
	got := failureText(run.Result{
		{State: run.Failed, Err: refusal{}}, skipped(0, run.ErrStopped), skipped(0, run.ErrStopped),
		{State: run.Failed, Err: context.DeadlineExceeded}, skipped(2, run.ErrStopped), skipped(0, run.DriftError{}),
	}, 7)
	if want := "1 host failed, 1 refused the change, 1 changed since the plan was shown, 1 not finished, 2 not begun, the others are done"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
