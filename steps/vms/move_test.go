package vms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ipfabric/inventory/vm"
)

var errCut = errors.New("the connection is gone")

func (f *fleet) move(to string) (Moved, error) {
	return f.control().Move(context.Background(), "web", to, MoveOptions{Wait: 50 * time.Millisecond})
}

// movable has VM web on node1, and its guest on both nodes.
func movable(t *testing.T) *fleet {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "2001:db8:100::1", PhaseLive)
	f.guests["node2 web"] = true
	return f
}

// watch makes it an error if at any time nobody announces the VM.
func (f *fleet) watch() {
	f.after = func(_ int, change string) error {
		if len(f.announcers("web")) == 0 {
			f.t.Errorf("after %q nobody announces it: %s", change, f.has("web"))
		}
		return nil
	}
}

func TestMoveMakesBeforeItBreaks(t *testing.T) {
	f := movable(t)
	f.watch()
	m, err := f.move("node2")
	if err != nil || m.Already || fmt.Sprint(m.From) != "[node1]" || m.VM.Node != "node2" {
		t.Errorf("%+v, %v", m, err)
	}
	want := []string{
		"node2: add web --json --ip 203.0.113.1 --ip6 2001:db8:100::1 --interface web_net0 --link tap --phase withdrawn",
		"node2: phase web migrating",
		"node1: remove web --missing-ok --handover",
		"node2: phase web live",
	}
	if got := strings.Join(f.changes, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
	if m, err = f.move("node2"); err != nil || !m.Already || len(f.changes) != len(want) {
		t.Errorf("the second time: %+v, %v, %q", m, err, f.changes)
	}
}

// As init restarts it, or systemd one that was killed.
func TestMoveWaitsForAnAgentThatIsRestarted(t *testing.T) {
	f := movable(t)
	tries := map[string]int{}
	f.before = func(_ int, change string) error {
		if tries[change]++; tries[change] < 3 {
			return agentExit{1, `{"code":"not-running","error":"the agent is not running: nothing listens on /run/ipfabric/agent.sock"}`}
		}
		return nil
	}
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v: %s", err, f.has("web"))
	}
}

// moveStates are what a move, or several that were cut off, may find.
var moveStates = []struct {
	node1, node2   vm.Phase // "" is not there
	guest1, guest2 bool
}{
	{PhaseLive, "", true, true},
	{PhaseLive, "", true, false}, // until it is started
	{PhaseLive, "", false, false},
	{PhaseLive, "", false, true},
	{PhaseMigrating, "", true, true},
	{PhaseLive, PhaseWithdrawn, true, true},
	{PhaseLive, PhaseWithdrawn, true, false},
	{PhaseLive, PhaseMigrating, true, true},
	{PhaseLive, PhaseMigrating, true, false}, // the guest has gone back
	{PhaseLive, PhaseMigrating, false, true},
	{PhaseMigrating, PhaseMigrating, true, true},
	{PhaseMigrating, PhaseWithdrawn, true, true},
	{PhaseMigrating, PhaseLive, true, true},
	{PhaseLive, PhaseLive, true, true},
	{PhaseWithdrawn, PhaseMigrating, true, true},
	{PhaseWithdrawn, PhaseLive, true, true},
	{"", PhaseMigrating, false, true},
	{"", PhaseMigrating, false, false},
	{"", PhaseLive, false, true},
}

// From every state, cut off before or after each of its changes, a move leaves
// the VM announced; and the same command finishes it.
func TestMoveCutOffAnywhere(t *testing.T) {
	for i, s := range moveStates {
		for _, done := range []bool{false, true} {
			for n := range 8 {
				name := fmt.Sprintf("node1 %q %v node2 %q %v, change %d done %v", s.node1, s.guest1, s.node2, s.guest2, n, done)
				f := newFleet(t)
				setMoveState(f, i)
				usable, fired := len(f.announcers("web")) > 0, false
				cut := func(k int) error {
					if k != n || fired {
						return nil
					}
					fired = true
					return errCut
				}
				if !done {
					f.before = func(k int, _ string) error { return cut(k) }
				}
				f.after = func(k int, change string) error {
					if usable && len(f.announcers("web")) == 0 {
						t.Errorf("%s: after %q nobody announces it: %s", name, change, f.has("web"))
					}
					if done {
						return cut(k)
					}
					return nil
				}
				if _, err := f.move("node2"); fired && !errors.Is(err, errCut) {
					t.Errorf("%s: got %v", name, err)
				}
				fired = true
				f.guests["node2 web"] = true
				if _, err := f.move("node2"); err != nil {
					t.Errorf("%s: again: %v", name, err)
				}
				if got := f.has("web"); got != "node2 live" {
					t.Errorf("%s: in the end %s", name, got)
				}
			}
		}
	}
}

func setMoveState(f *fleet, i int) {
	s := moveStates[i]
	if s.node1 != "" {
		f.put("node1", "web", "203.0.113.1", "2001:db8:100::1", s.node1)
	}
	if s.node2 != "" {
		f.put("node2", "web", "203.0.113.1", "2001:db8:100::1", s.node2)
	}
	f.guests["node1 web"], f.guests["node2 web"] = s.guest1, s.guest2
}

func TestMoveGoesBackToo(t *testing.T) {
	for i, s := range moveStates {
		if s.node1 == "" || s.node2 == "" {
			continue
		}
		f := newFleet(t)
		setMoveState(f, i)
		f.guests["node1 web"] = true
		if len(f.announcers("web")) > 0 {
			f.watch()
		}
		if _, err := f.move("node1"); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		if got := f.has("web"); got != "node1 live" {
			t.Errorf("%+v: in the end %s", s, got)
		}
	}
}

func TestMoveWithoutAGuestThere(t *testing.T) {
	f := movable(t)
	f.guests["node2 web"] = false
	f.watch()
	_, err := f.move("node2")
	wantError(t, err, Refused, "VM web stays on node1", "no guest is attached to web_net0", "start the guest on node2")
	if got := f.has("web"); got != "node1 live" {
		t.Errorf("got %s", got)
	}
	for _, change := range f.changes {
		if strings.HasPrefix(change, "node1") {
			t.Errorf("node1 was touched: %q", change)
		}
	}
}

func TestMoveWaitsForTheGuest(t *testing.T) {
	f := movable(t)
	f.guests["node2 web"] = false
	f.watch()
	time.AfterFunc(20*time.Millisecond, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.guests["node2 web"] = true
	})
	_, err := f.control().Move(context.Background(), "web", "node2", MoveOptions{Wait: time.Minute})
	if err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

// Where the guest is off nobody is cut off from it.
func TestMoveOfAVMThatIsOff(t *testing.T) {
	f := movable(t)
	f.guests["node1 web"], f.guests["node2 web"] = false, false
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

func TestMoveToANodeThatAnnouncesNothing(t *testing.T) {
	f := movable(t)
	f.mute["node2"] = true
	f.watch()
	_, err := f.move("node2")
	wantError(t, err, Refused, "VM web stays on node1", "rr1 and rr2 still did not prefer node2", "ipfabric verify")
	if got := f.has("web"); got != "node1 live, node2 withdrawn" { // the guest there keeps its interface
		t.Errorf("got %s", got)
	}
	f.mute["node2"] = false
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

// If the old node is no longer announced, the new one is the only hope.
func TestMoveDoesNotGoBackToANodeThatAnnouncesNothing(t *testing.T) {
	f := movable(t)
	f.mute["node2"] = true
	f.after = func(_ int, change string) error {
		if change == "node2: phase web migrating" {
			f.mute["node1"] = true
		}
		return nil
	}
	_, err := f.move("node2")
	wantError(t, err, Refused, "left on both node1 and node2", "--to node1 to go back")
	if got := f.has("web"); got != "node1 live, node2 migrating" {
		t.Errorf("got %s", got)
	}
}

// A broken old node must not keep its VMs.
func TestMoveFromANodeThatAnnouncesNothing(t *testing.T) {
	f := movable(t)
	f.mute["node1"] = true
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

func TestMoveStaysPreferredWhileTheOldNodeIsThere(t *testing.T) {
	f := movable(t)
	f.after = func(_ int, change string) error {
		if strings.HasPrefix(change, "node1: remove") {
			f.stranger["203.0.113.1"] = "node1" // its FRR goes on
			f.stranger["2001:db8:100::1"] = ""
		}
		return nil
	}
	_, err := f.move("node2")
	wantError(t, err, Refused, "still has 203.0.113.1 by node1", "vm move web --to node2` finishes")
	if got := f.has("web"); got != "node2 migrating" {
		t.Errorf("got %s", got)
	}
	delete(f.stranger, "203.0.113.1")
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

func TestMoveInterrupted(t *testing.T) {
	f := movable(t)
	f.guests["node2 web"] = false
	f.watch()
	watched := f.after
	c := f.control()
	stop := make(chan struct{})
	c.Stop = stop
	f.after = func(n int, change string) error {
		close(stop) // the guest is waited for next
		return watched(n, change)
	}
	_, err := c.Move(context.Background(), "web", "node2", MoveOptions{Wait: time.Minute})
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	wantError(t, err, Refused, "announced by node1", "`ipfabric vm move web --to node2` finishes it, with --to node1 it goes back")

	ctx, cancel := context.WithCancel(context.Background())
	f = movable(t)
	f.guests["node2 web"] = false
	f.watch()
	watched = f.after
	f.after = func(n int, change string) error {
		cancel()
		return watched(n, change)
	}
	if _, err := f.control().Move(ctx, "web", "node2", MoveOptions{Wait: time.Minute}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	f.after = watched
	f.guests["node2 web"] = true
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

// Once the new node is preferred, neither the first Ctrl-C nor the second leaves
// the move half done, not even if agents restart just then.
func TestMoveInterruptedAtItsEnd(t *testing.T) {
	for _, at := range []string{"node1: remove web --missing-ok --handover", "node2: phase web live"} {
		for _, name := range []string{"the first Ctrl-C", "the second Ctrl-C"} {
			f := movable(t)
			ctx, cancel := context.WithCancel(context.Background())
			c, stop, tries := f.control(), make(chan struct{}), 0
			c.Stop = stop
			f.before = func(_ int, change string) error {
				if change != at {
					return nil
				}
				if tries++; tries == 1 && name == "the first Ctrl-C" {
					close(stop)
				} else if tries == 1 {
					cancel()
				}
				if tries < 3 {
					return agentExit{1, `{"code":"not-running","error":"the agent is not running"}`}
				}
				return nil
			}
			m, err := c.Move(ctx, "web", "node2", MoveOptions{Wait: time.Minute})
			if err != nil || m.VM.Node != "node2" || f.has("web") != "node2 live" {
				t.Errorf("%s at %q: %v, %s", name, at, err, f.has("web"))
			}
			cancel()
		}
	}
}

func TestOutlive(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	longer, end := outlive(ctx, time.Millisecond)
	defer end()
	cancel(errCut)
	<-longer.Done()
	if context.Cause(longer) != errCut {
		t.Errorf("got %v", context.Cause(longer))
	}
}
