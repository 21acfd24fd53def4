package frr

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

var (
	up   = netip.MustParseAddr("10.10.0.21")
	down = netip.MustParseAddr("10.10.0.22")
)

const confirmIt = "/usr/local/sbin/ipfabric-frr-config confirm " + armedSince

func TestConfirmedOverANewConnection(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.21", "10.10.0.99") // .99 is no neighbor any more
	s := confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "change of FRR is not confirmed, want confirmed" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if h.Closed != 1 {
		t.Errorf("the connection was closed %d times, want once", h.Closed)
	}
	if steptest.Position(t, h, armTimer) > steptest.Position(t, h, askSummary) || steptest.Position(t, h, askSummary) > steptest.Position(t, h, confirmIt) {
		t.Errorf("did %q", h.Log)
	}
}

func TestNothingToConfirm(t *testing.T) {
	h := frrHost()
	if diff, err := (confirmed{rollback: &rollback{}}).Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
}

func TestLostSessionsCanBeAccepted(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.22")
	if err := (confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{down}, acceptLoss: true}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	steptest.Position(t, h, confirmIt)
}

func TestLostSessionsAreRolledBack(t *testing.T) {
	for older, want := range map[string]string{
		"":        "rolled back: 1 of the sessions that were up before did not come back within 600ms (10.10.0.22); the old configuration runs again",
		"8.4.4-1": "FRR was upgraded from 8.4.4-1, and stays so",
	} {
		t.Run(older, func(t *testing.T) {
			h := frrHost()
			wait(t, h, older, "10.10.0.21", "10.10.0.22")
			// An older ipfabric's note of an upgrade that was rolled back.
			h.Files["/var/lib/ipfabric/rollback/upgraded-from"] = "7.5.1-1\n"
			err := confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up, down}}.Apply(t.Context(), h)
			if !wasRolledBack(err) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "7.5.1") {
				t.Errorf("got %v", err)
			}
			if got := strings.Contains(hintOf(err), "frr="+older); older != "" && !got {
				t.Errorf("got the hint %s", hintOf(err))
			}
			if upgrade := new(errUpgradeLost); errors.As(err, upgrade) != (older != "") {
				t.Errorf("an upgrade is blamed: %v", err)
			}
			steptest.Position(t, h, rollBack)
			if slices.Contains(h.Log, confirmIt) {
				t.Error("confirmed")
			}
		})
	}
}

// What cannot be confirmed is taken back by the host, and not tried on others.
func TestAHostThatCannotBeAskedAnyMore(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.21")
	h.Fail[askSummary] = errors.New("no route to host")
	err := confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up}}.Apply(t.Context(), h)
	if !wasRolledBack(err) || !strings.Contains(err.Error(), "by itself within 3m0s: no route to host") {
		t.Errorf("got %v", err)
	}
}

// The timer may fire while sessions come back: who takes the state away first
// decides.
func TestAHostThatRollsBackWhileItIsConfirmed(t *testing.T) {
	h := frrHost()
	wait(t, h, "", "10.10.0.21")
	h.Status[confirmIt] = 3
	err := confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up}}.Apply(t.Context(), h)
	if !errors.Is(err, errSelfRestored{}) || !wasRolledBack(err) {
		t.Errorf("got %v", err)
	}
}

// A run tells of a rollback that an earlier one has not seen, and takes the note away.
func TestTheNoteOfARollbackIsToldOnce(t *testing.T) {
	h := frrHost()
	h.Answers[askState] = "rolled-back 2026-03-01T10:03:00Z\n"
	s := confirmed{rollback: &rollback{}}
	diff, err := s.Check(t.Context(), h)
	if err != nil || len(diff) != 1 || !strings.HasPrefix(diff[0].Have, "at 2026-03-01T10:03:00Z nobody had confirmed") {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.Log, []string{askState, "rm -f /var/lib/ipfabric/rollback/rolled-back"}) {
		t.Errorf("did %q", h.Log)
	}
}
