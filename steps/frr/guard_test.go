package frr

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// All that Configure does to a running FRR is guarded, and the last step asks.
func TestEveryChangeOfFRRIsGuarded(t *testing.T) {
	var free []string
	steps := Configure(inventory.Host{}, Options{Upgrade: true}, nil, newConf)
	for _, s := range steps {
		if _, ok := s.(guarded); !ok {
			free = append(free, s.String())
		}
	}
	// The first says where vtysh stores the configuration, the second confirms.
	if want := []string{"FRR is configured by frr.conf alone", "FRR's change is confirmed"}; !slices.Equal(free, want) {
		t.Errorf("without a guard: %q, want %q", free, want)
	}
	if _, ok := steps[len(steps)-1].(confirmed); !ok {
		t.Errorf("the last step is %q", steps[len(steps)-1])
	}
	if len(steps) != 7 || len(Configure(inventory.Host{}, Options{}, nil, newConf)) != 6 {
		t.Errorf("%d steps", len(steps))
	}
}

// A fakeChange is a change whose steps stand in the host's log.
type fakeChange struct {
	h               *steptest.Host
	refused, failed error
}

func (fakeChange) String() string                                        { return "fake" }
func (fakeChange) Check(context.Context, step.Reader) (step.Diff, error) { return nil, nil }
func (c fakeChange) prepare(context.Context, step.Host) (prepared, error) {
	c.h.Log = append(c.h.Log, "prepared")
	return prepared{apply: func(context.Context) error {
		c.h.Log = append(c.h.Log, "changed")
		return c.failed
	}}, c.refused
}

func TestAChangeIsPreparedArmedAndMade(t *testing.T) {
	h := frrHost()
	if err := guard(fakeChange{h: h}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	prepared, saved, armed, changed := steptest.Position(t, h, "prepared"), steptest.Position(t, h, "write /var/lib/ipfabric/rollback/armed"),
		steptest.Position(t, h, armTimer), steptest.Position(t, h, "changed")
	if prepared > saved || saved > armed || armed > changed {
		t.Errorf("prepared, saved, armed and changed at %d, %d, %d, %d", prepared, saved, armed, changed)
	}
}

func TestAChangeThatIsRefusedArmsNothing(t *testing.T) {
	h := frrHost()
	if err := guard(fakeChange{h: h, refused: errors.New("no")}).Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	if !slices.Equal(h.Log, []string{"prepared"}) {
		t.Errorf("did %q", h.Log)
	}
}

func TestWithoutATimerNothingIsChanged(t *testing.T) {
	for _, line := range []string{armTimer, keepCopies, "install -d -m 0700 /var/lib/ipfabric/rollback"} {
		h := frrHost()
		h.Status[line] = 1
		if err := guard(fakeChange{h: h}).Apply(t.Context(), h); err == nil || slices.Contains(h.Log, "changed") {
			t.Errorf("%s fails: got %v, did %q", line, err, h.Log)
		}
	}
}

func TestWhatFRRRefusesIsRolledBackAtOnce(t *testing.T) {
	h := frrHost()
	err := guard(fakeChange{h: h, failed: errRefused{errors.New("line 7")}}).Apply(t.Context(), h)
	if !wasRolledBack(err) || !strings.Contains(err.Error(), "the old one is back in place: line 7") {
		t.Errorf("got %v", err)
	}
	if steptest.Position(t, h, rollBack) > steptest.Position(t, h, stopTimer) {
		t.Error("the timer was stopped before the old configuration was back")
	}

	h = frrHost()
	h.Status[rollBack] = 1
	err = guard(fakeChange{h: h, failed: errRefused{errors.New("line 7")}}).Apply(t.Context(), h)
	if !wasRolledBack(err) || !strings.Contains(err.Error(), "could not be put back at once (exit status 1), the host does it by itself within 3m") {
		t.Errorf("where that fails: got %v", err)
	}
	if slices.Contains(h.Log, stopTimer) {
		t.Error("the timer was stopped, and the new configuration runs")
	}

	// Any other failure is left to the timer: a connection that broke, say.
	h = frrHost()
	err = guard(fakeChange{h: h, failed: errors.New("cut off")}).Apply(t.Context(), h)
	if err == nil || wasRolledBack(err) || slices.Contains(h.Log, rollBack) {
		t.Errorf("got %v, did %q", err, h.Log)
	}
}

// Nothing is called rolled back where nothing was armed.
func TestWhatADeadFRRRefusesIsNotRolledBack(t *testing.T) {
	h := frrHost()
	h.Status[askFRR] = 1
	err := guard(fakeChange{h: h, failed: errRefused{errors.New("line 7")}}).Apply(t.Context(), h)
	if err == nil || wasRolledBack(err) || slices.Contains(h.Log, rollBack) {
		t.Errorf("got %v, did %q", err, h.Log)
	}
}

// ipfabric was stopped for minutes after a change; the host has rolled back, and
// it must not be called confirmed then.
func TestAChangeThatTheHostTookBackIsNotConfirmed(t *testing.T) {
	for name, lose := range map[string]func(*steptest.Host){
		"before it was asked": func(h *steptest.Host) {
			delete(h.Files, rollbackArmed)
			h.Answers[askState] = "rolled-back 2026-03-01T10:03:00Z\n"
		},
		"without a note": func(h *steptest.Host) { delete(h.Files, rollbackArmed); h.Answers[askState] = "" },
	} {
		h := frrHost()
		rb := &rollback{}
		if err := (guarded{fakeChange{h: h}, rb}).Apply(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		lose(h)
		s := confirmed{patience: impatient, rollback: rb, neighbors: []netip.Addr{netip.MustParseAddr("10.10.0.21")}}
		if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
			t.Errorf("%s: Check finds %v, %v", name, diff, err)
		}
		err := s.Apply(t.Context(), h)
		if !wasRolledBack(err) || !strings.Contains(err.Error(), "not confirmed within 3m0s") || hintOf(err) == "" {
			t.Errorf("%s: got %v", name, err)
		}
		if slices.Contains(h.Log, "rm -f /var/lib/ipfabric/rollback/rolled-back") {
			t.Errorf("%s: the host's note of it is gone", name)
		}
	}
}
