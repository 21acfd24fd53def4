package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/run"
	"ipfabric/steps/verify"
)

// wantCode checks the exit code that an error of a command means.
func wantCode(t *testing.T, err error, want int) {
	t.Helper()
	if got := ui.ExitCode(err); got != want {
		t.Errorf("exit code %d (%v), want %d", got, err, want)
	}
}

func TestInitOfAFabricInSyncAsksNothing(t *testing.T) {
	b := newBench(t)
	b.settle("rr1", "rr2", "node1")
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{}), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "0 changes, 3 hosts in sync", "healthy")
	if b.written() != "" || b.verified != 1 {
		t.Errorf("written %q, verified %d times", b.written(), b.verified)
	}
	for name, h := range b.hosts {
		if h.opened > 1 {
			t.Errorf("%s was connected to %d times", name, h.opened)
		}
	}
}

func TestInitAppliesAndTheSecondTimeDoesNothing(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	if got := b.written(); got != "node1 rr1 rr2" {
		t.Errorf("written: %s", got)
	}
	wantText(t, "stdout", b.out.String(), "6 changes to make", "rr1    changed  2", "set protocols bgp group")
	wantText(t, "stderr", b.err.String(), "rr1  /etc/one is current: changed")
	for name, h := range b.hosts {
		if h.locked {
			t.Errorf("%s is still locked", name)
		}
	}

	b.out.Reset()
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{}), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "0 changes")
}

func TestInitShowsTheGatewaysOnlyWhenAReflectorWasChanged(t *testing.T) {
	b := newBench(t)
	b.settle("rr1", "rr2")
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitOK)
	if got := b.written(); got != "node1" || strings.Contains(b.out.String(), "set protocols") {
		t.Errorf("written: %s, said:\n%s", got, b.out)
	}
}

func TestAFabricOfUnmanagedHostsHasNothingToDo(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.Preview(context.Background(), run.Plan{}, PlanOptions{}), ui.ExitOK)
}

func TestInitWithoutATerminalNeedsYes(t *testing.T) {
	b := newBench(t)
	err := b.Converge(context.Background(), b.testPlan(), InitOptions{})
	wantCode(t, err, ui.ExitUsage)
	wantText(t, "hint", ui.HintOf(err), "--yes")
	if b.written() != "" || strings.Contains(b.out.String(), "healthy") {
		t.Errorf("written %q, shown:\n%s", b.written(), b.out)
	}
}

func TestInitDoesTheOthersWhenAHostIsDown(t *testing.T) {
	b := newBench(t)
	b.settle("rr1", "rr2")
	b.hosts["node1"].openErr = connectError("node1", remote.Timeout)
	b.hosts["rr2"].Files["/etc/one"] = "other\n"
	err := b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true})
	wantCode(t, err, ui.ExitHosts)
	if got := b.written(); got != "rr2" {
		t.Errorf("written: %s", got)
	}
	wantText(t, "stdout", b.out.String(), "node1  failed", "rr2    changed", "rr1    in-sync")
	wantText(t, "error", err.Error(), "1 host failed")
	if n := b.hosts["node1"].opened; n != 1 {
		t.Errorf("node1 was tried %d times", n)
	}
}

// The second reflector must keep its sessions while the first is away.
func TestInitLeavesTheSecondReflectorAloneWhenTheFirstIsDown(t *testing.T) {
	b := newBench(t)
	b.hosts["rr1"].openErr = connectError("rr1", remote.Refused)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitHosts)
	if got := b.written(); got != "node1" {
		t.Errorf("written: %s", got)
	}
	wantText(t, "stdout", b.out.String(), "rr2    skipped")
}

func TestInitTouchesNothingWhenAHostIsNotWhoItWas(t *testing.T) {
	for _, kind := range []remote.Kind{remote.HostKeyChanged, remote.HostKeyUnknown, remote.Auth, remote.Sudo} {
		b := newBench(t)
		b.hosts["node1"].openErr = connectError("node1", kind)
		err := b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true})
		wantCode(t, err, ui.ExitFailed)
		wantText(t, "error", err.Error(), "nothing was changed on any host")
		if b.written() != "" {
			t.Errorf("%s: written: %s", kind, b.written())
		}
	}
}

// A file on this side that cannot be used is like a mistake in the inventory.
func TestNoHostCanBeContactedWithWhatIsThere(t *testing.T) {
	b := newBench(t)
	for name, h := range b.hosts {
		h.openErr = connectError(name, remote.Setup)
	}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitUsage)
	b = newBench(t)
	b.hosts["node1"].openErr = connectError("node1", remote.Setup)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitFailed)
}

func TestInitTouchesNothingWhenNoHostAnswers(t *testing.T) {
	b := newBench(t)
	for name, h := range b.hosts {
		h.openErr = connectError(name, remote.Timeout)
	}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitFailed)
}

func TestInitLeavesLockedHostsToTheirHolder(t *testing.T) {
	b := newBench(t)
	b.settle("rr2")
	for _, name := range []string{"rr1", "node1"} {
		b.hosts[name].lockErr = &remote.LockedError{Host: name, Path: lockPath, Note: "alice@desk since 09:00"}
	}
	b.hosts["rr2"].Files["/etc/one"] = "other\n"
	err := b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true})
	wantCode(t, err, ui.ExitHosts)
	wantText(t, "error", err.Error(), "2 hosts locked by another run")
	if b.written() != "" { // rr2 has to wait for rr1
		t.Errorf("written: %s", b.written())
	}
	wantText(t, "stdout", b.out.String(), "rr1    failed   0        locked by another run")
	wantText(t, "stderr", b.err.String(), "error: rr1 and node1 are locked by alice@desk since 09:00", "hint: wait until", "not verified: another run")
	if said := b.err.String() + b.out.String(); strings.Count(said, "alice@desk") != 1 || strings.Contains(said, "healthy") || b.verified > 1 {
		t.Errorf("verified %d times, said:\n%s", b.verified, said)
	}
}

// Why a host could not be looked at stands above the question, and is not told again.
func TestInitTellsOnceThatAHostIsDown(t *testing.T) {
	b := newBench(t)
	b.hosts["node1"].openErr = connectError("node1", remote.Timeout)
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true}), ui.ExitHosts)
	if n := strings.Count(b.err.String(), b.hosts["node1"].openErr.Error()); n != 1 {
		t.Errorf("told %d times:\n%s", n, b.err)
	}
}

func TestInitShowsTheLastOfTheLogOfAHostThatFailed(t *testing.T) {
	b := newBench(t)
	failing := fakeStep{path: "/etc/one", want: "1\n", applyErr: errors.New("the disk is full")}
	wantCode(t, b.Converge(context.Background(), b.testPlan(failing), InitOptions{Yes: true}), ui.ExitHosts)
	wantText(t, "stderr", b.err.String(),
		"error: rr1: /etc/one is current: the disk is full",
		"the last of the log of rr1:", "apply /etc/one is current: applying")
	wantText(t, "stdout", b.out.String(), "rr1    failed   0        /etc/one is current")
}

// What a step printed may be long; the log file has it.
func TestTheLastOfTheLogIsShort(t *testing.T) {
	b := newBench(t)
	failing := fakeStep{path: "/etc/one", want: "1\n", applyErr: errors.New("the disk is full"), applied: func() {
		for range 20 {
			b.Say.Log.Record("rr1", "first line %s\nsecond line", strings.Repeat("é", 300))
		}
	}}
	wantCode(t, b.Converge(context.Background(), b.testPlan(failing), InitOptions{Yes: true}), ui.ExitHosts)
	_, block, _ := strings.Cut(b.err.String(), "the last of the log of rr1:\n")
	block, _, _ = strings.Cut(block, "\nipfabric: ")
	lines := strings.Split(block, "\n")
	if len(lines) != 8 || strings.Contains(block, "second line") {
		t.Errorf("%d lines:\n%s", len(lines), block)
	}
	for _, l := range lines {
		if n := len([]rune(strings.TrimSpace(l))); n > 160 {
			t.Errorf("%d characters: %s", n, l)
		}
	}
}

func TestWhatIsSaidWhenHostsFailed(t *testing.T) {
	failing := fakeStep{path: "/etc/one", want: "1\n", applyErr: errors.New("the disk is full")}
	b := newBench(t)
	err := b.Converge(context.Background(), b.testPlan(failing), InitOptions{Yes: true, NoVerify: true})
	wantCode(t, err, ui.ExitHosts)
	if err.Error() != "2 hosts failed, 1 not begun" { // the second reflector is left alone
		t.Errorf("all: %v", err)
	}
	b = newBench(t)
	b.settle("node1")
	err = b.Converge(context.Background(), b.testPlan(failing), InitOptions{Yes: true, NoVerify: true})
	wantCode(t, err, ui.ExitHosts)
	if err.Error() != "1 host failed, 1 not begun, the others are done" {
		t.Errorf("not all: %v", err)
	}
}

func TestInitVerifiesWhatItMade(t *testing.T) {
	b := newBench(t)
	bad := &verify.Report{Fabric: "lab", Sessions: []verify.Session{{RR: "rr1", Peer: "node1", Family: "ipv4-unicast", Status: verify.Bad, Detail: "Active at both ends"}}}
	well := &verify.Report{Fabric: "lab", Healthy: true}
	b.reports = []*verify.Report{bad, bad, bad, well} // the first beside the look, and not shown
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true, Wait: time.Minute}), ui.ExitOK)
	if b.verified != 4 {
		t.Errorf("verified %d times", b.verified)
	}

	// Nothing was changed: there is nothing to wait for.
	b.verified, b.reports = 0, []*verify.Report{bad}
	err := b.Converge(context.Background(), b.testPlan(), InitOptions{Wait: time.Minute})
	wantCode(t, err, ui.ExitUnhealthy)
	if b.verified != 1 {
		t.Errorf("verified %d times", b.verified)
	}
	wantText(t, "stdout", b.out.String(), "rr1 – node1 ipv4-unicast: Active at both ends")

	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{NoVerify: true}), ui.ExitOK)
	if b.verified != 1 {
		t.Errorf("verified although told not to")
	}
}

// FRR takes up a change of its policy seconds later: where no host has waited
// for that, a fabric with routes that is healthy at once must still be so then.
func TestInitLooksAgainWhetherTheFabricStaysHealthy(t *testing.T) {
	refused := verify.Session{RR: "rr1", Peer: "mx1", Family: "ipv4-unicast", Status: verify.Bad, Detail: "mx1 accepts 0 of the 5 prefixes"}
	routes := verify.Session{RR: "rr1", Peer: "mx1", Family: "ipv4-unicast", Status: verify.OK, Far: verify.End{Received: 5, Accepted: 5}}
	well := &verify.Report{Fabric: "lab", Healthy: true, Sessions: []verify.Session{routes}}
	bad := &verify.Report{Fabric: "lab", Sessions: []verify.Session{refused}}
	b := newBench(t)
	b.holdTime = 20 * time.Millisecond
	b.reports = []*verify.Report{well, well, bad} // the first beside the look
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{PlanOptions: PlanOptions{Loss: true}, Yes: true, Wait: 30 * time.Millisecond}), ui.ExitUnhealthy)
	wantText(t, "stderr", b.err.String(), "healthy so far; looking again in ")

	// Without changes, or where the hosts have waited for it, it is as it is seen.
	b.verified, b.reports = 0, []*verify.Report{well, bad}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true, Wait: time.Minute}), ui.ExitOK)
	b = newBench(t)
	b.holdTime = time.Hour
	b.reports = []*verify.Report{well}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true, Wait: time.Minute}), ui.ExitOK)
}

func TestInitDoesNotWaitForWhatCannotComeUp(t *testing.T) {
	b := newBench(t)
	b.settle("rr1")
	b.hosts["node1"].openErr = connectError("node1", remote.Timeout)
	b.reports = []*verify.Report{{Sessions: []verify.Session{{RR: "rr1", Peer: "node1", Status: verify.Bad}}}}
	wantCode(t, b.Converge(context.Background(), b.testPlan(), InitOptions{Yes: true, Wait: time.Hour}), ui.ExitHosts)
	if b.verified != 2 { // beside the look, and after the changes
		t.Errorf("verified %d times", b.verified)
	}
}

// A core gateway has its configuration from hands that may take a day.
func TestHopeless(t *testing.T) {
	b := newBench(t)
	hopeless := b.cannotRecover(run.Result{{Host: "rr2"}})
	for _, tt := range []struct {
		host   string
		waited time.Duration
		want   bool
	}{{"rr2", 0, true}, {"rr1", time.Hour, false}, {"mx1", time.Second, false}, {"mx1", 20 * time.Second, true}} {
		if got := hopeless(tt.host, tt.waited); got != tt.want {
			t.Errorf("cannotRecover(%s, %s) = %v", tt.host, tt.waited, got)
		}
	}
}

func TestFirstInterruptFinishesWhatRunsAndBeginsNothingNew(t *testing.T) {
	b := newBench(t)
	first := fakeStep{path: "/etc/one", want: "1\n", applied: func() { close(b.Signals.stop); b.Signals.first() }}
	second := fakeStep{path: "/etc/two", want: "2\n"}
	err := b.Converge(context.Background(), b.testPlan(first, second), InitOptions{Yes: true})
	wantCode(t, err, ui.ExitInterrupted)
	if got := b.written(); got != "rr1" {
		t.Errorf("written: %s", got)
	}
	if n := b.hosts["rr1"].writes(); n != 1 {
		t.Errorf("%d steps were done on rr1", n)
	}
	wantText(t, "stdout", b.out.String(), "node1  skipped")
	wantText(t, "hint", ui.HintOf(err), "does only what is left")
	if strings.Contains(b.out.String(), "healthy") {
		t.Error("verified after an interruption")
	}
}
