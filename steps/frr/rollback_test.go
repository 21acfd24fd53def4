package frr

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

func TestArmingKeepsWhatRunsAndWhoIsUp(t *testing.T) {
	h := frrHost()
	if armed, err := new(rollback).arm(t.Context(), h, ""); err != nil || !armed {
		t.Fatal(armed, err)
	}
	if got := h.Files["/var/lib/ipfabric/rollback/running.conf"]; got != "!\nold\n" {
		t.Errorf("kept %q", got)
	}
	var state struct{ Peers []string }
	if err := json.Unmarshal([]byte(h.Files["/var/lib/ipfabric/rollback/armed"]), &state); err != nil || !slices.Equal(state.Peers, []string{"10.10.0.21"}) {
		t.Errorf("got %v, %v", state, err)
	}
	copies, armed := steptest.Position(t, h, keepCopies), steptest.Position(t, h, "write /var/lib/ipfabric/rollback/armed 600")
	if running := steptest.Position(t, h, "write /var/lib/ipfabric/rollback/running.conf 640"); running > armed || copies > armed {
		t.Errorf("kept at %d and %d, armed at %d", running, copies, armed)
	}
}

// What is armed already is the last confirmed state: it stays.
func TestArmingTwiceKeepsTheFirstState(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.21")
	before := h.Files[rollbackArmed]
	rb := new(rollback)
	if armed, err := rb.arm(t.Context(), h, ""); err != nil || !armed || rb.since != armedSince {
		t.Fatal(armed, err, rb.since)
	}
	if h.Files[rollbackArmed] != before || !slices.Equal(h.Log, []string{armTimer}) {
		t.Errorf("armed anew: %q", h.Log)
	}
}

// The operator's machine may die between any two commands.
func TestAGuardedHostIsNeverWithoutItsTimer(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.21")
	if _, err := new(rollback).arm(t.Context(), h, ""); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(h.Log, stopTimer) {
		t.Error("the timer is stopped by a command of its own")
	}
	// Sessions have their time, with as much left for the reload before it.
	if rollbackAfter < 2*sessionsBack {
		t.Errorf("rolled back after %s, sessions have %s", rollbackAfter, sessionsBack)
	}
}

// An FRR that does not run has nothing to go back to.
func TestNothingIsArmedForAnFRRThatIsDown(t *testing.T) {
	h := frrHost()
	h.Status[askFRR] = 1
	if armed, err := new(rollback).arm(t.Context(), h, ""); err != nil || armed {
		t.Fatal(armed, err)
	}
	if _, ok := h.Files[rollbackArmed]; ok {
		t.Error("a rollback was armed")
	}
	h = frrHost()
	h.Fail[askFRR] = errors.New("lost the connection")
	if _, err := new(rollback).arm(t.Context(), h, ""); err == nil {
		t.Error("a connection that broke is taken for an FRR that does not run")
	}
}

// While the host cannot put the old configuration back, what runs is not what a
// later rollback is to go back to.
func TestNothingIsChangedWhileTheHostRollsBack(t *testing.T) {
	h := frrHost()
	h.Files["/var/lib/ipfabric/rollback/restoring"] = "{}"
	h.Answers[askState] = "restoring\n"
	_, err := new(rollback).arm(t.Context(), h, "")
	if !errors.Is(err, errRestoring{}) || !strings.Contains(hintOf(err), "room in /etc/frr") || len(h.Log) > 0 {
		t.Errorf("got %v, did %q", err, h.Log)
	}
	if _, err := (confirmed{rollback: &rollback{}}).Check(t.Context(), h); !errors.Is(err, errRestoring{}) {
		t.Errorf("Check: %v", err)
	}
}

func TestWithoutRoomForTheCopiesNothingIsChanged(t *testing.T) {
	h := frrHost()
	h.Status[keepCopies] = 1
	if _, err := new(rollback).arm(t.Context(), h, ""); err == nil || !strings.Contains(err.Error(), "so nothing was changed") {
		t.Errorf("got %v", err)
	}
	if _, ok := h.Files[rollbackArmed]; ok {
		t.Error("armed without copies")
	}
}
