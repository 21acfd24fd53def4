package frr

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

const showsReload = "present-files.sh /usr/lib/frr/frr-reload.py /usr/libexec/frr/frr-reload.py"

func TestReloadThatFailsIsRolledBackAtOnce(t *testing.T) {
	h := frrHost()
	h.Status[reloadFRR] = 1
	if err := guard(runsConf{render: newConf}).Apply(t.Context(), h); !wasRolledBack(err) {
		t.Errorf("got %v", err)
	}
	if steptest.Position(t, h, armTimer) > steptest.Position(t, h, reloadFRR) {
		t.Error("the rollback was armed after the reload")
	}
	steptest.Position(t, h, rollBack)
}

// What frr-reload.py says counts for nothing if FRR runs what it should.
func TestReloadIsJudgedByWhatRuns(t *testing.T) {
	h := frrHost()
	h.Status[reloadFRR] = 1
	h.Answers[askFRR] = " zebra bgpd\nnew\n"
	if err := guard(runsConf{render: newConf}).Apply(t.Context(), h); err != nil {
		t.Errorf("got %v", err)
	}
	if slices.Contains(h.Log, rollBack) {
		t.Error("rolled back")
	}
}

// frr-reload.py of FRR 7.5 says that all is well and leaves BFD's old times: only
// a restart takes them back. Of anything else that is left nothing is restarted.
func TestOldBFDTimesNeedARestart(t *testing.T) {
	for left, restarts := range map[string]bool{
		"bfd\n profile IPFABRIC\n  transmit-interval 500\n": true,
		"bfd\n profile IPFABRIC\n!\nold\n":                  false,
	} {
		h := frrHost()
		h.Answers[askFRR] = " zebra bgpd\nnew\n" + left
		if err := guard(runsConf{render: newConf}).Apply(t.Context(), h); err != nil {
			t.Errorf("%q: %v", left, err)
		}
		reloads := 0
		for _, line := range h.Log {
			if line == reloadFRR {
				reloads++
			}
		}
		if got := slices.Contains(h.Log, restart); reloads != 2 || got != restarts {
			t.Errorf("%q: reloaded %d times, restarted: %v", left, reloads, got)
		}
	}
}

// What could not be reloaded in the end is told before anything is changed.
func TestAReloadThatCannotWorkIsToldFirst(t *testing.T) {
	h := frrHost()
	h.Answers[showsReload] = "/usr/lib/frr/frr-reload.py\n"
	s := runsConf{render: newConf}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	h.Status[runsReload] = 127
	const want = "frr-reload.py does not run, so FRR's configuration cannot be changed: `frr-reload.py --help` ended with status 127"
	if _, err := s.Check(t.Context(), h); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := guard(s).Apply(t.Context(), h); err == nil || slices.Contains(h.Log, armTimer) {
		t.Errorf("Apply: %v, did %q", err, h.Log)
	}
	h.Answers[showsReload] = "" // it comes with FRR's packages
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) == 0 {
		t.Errorf("without frr-reload.py: %v, %v", diff, err)
	}
}

// Lines of frr.extra may be written in another way than FRR shows them: then
// FRR's own tool is the judge.
func TestWhatDiffersInItsWritingOnlyIsNoDifference(t *testing.T) {
	const test = "frr-reload.sh --test --stdout /etc/frr/frr.conf"
	h := frrHost()
	h.Files[confPath] = string(mustConf(newConf(anyVersion)))
	s := runsConf{render: newConf}
	h.Answers[test] = ""
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	h.Answers[test] = "Lines To Add\n============\nnew\n"
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "running configuration is missing, want new" {
		t.Errorf("got %v, %v", diff, err)
	}
	h.Status[test] = 1
	if _, err := s.Check(t.Context(), h); err == nil || !strings.Contains(err.Error(), "`frr-reload.py --test` ended with status 1") {
		t.Errorf("got %v", err)
	}
	h.Status[test] = 127
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 2 {
		t.Errorf("without frr-reload.py: %v, %v", diff, err)
	}
}

func TestADeadFRRRunsNothing(t *testing.T) {
	h := frrHost()
	h.Status[askFRR] = 1
	diff, err := (runsConf{render: newConf}).Check(t.Context(), h)
	if err != nil || diff.String() != "running configuration is FRR does not answer, want frr.conf" {
		t.Errorf("got %v, %v", diff, err)
	}
}

func TestManyLinesAreOneDifference(t *testing.T) {
	h := frrHost()
	h.Answers[showsReload] = ""
	lines := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString("line " + string(rune('a'+i)) + "\n")
		}
		return " zebra\nnew\n" + b.String()
	}
	s := runsConf{render: newConf}
	for n, want := range map[int]int{20: 20, 21: 1} {
		h.Answers[askFRR] = lines(n)
		if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != want {
			t.Errorf("%d lines: got %v, %v", n, diff, err)
		}
	}
}

// A connection that breaks during the reload says nothing of what FRR took: the
// host's timer decides, and no second reload.
func TestAReloadThatIsCutOffIsLeftToTheTimer(t *testing.T) {
	h := frrHost()
	h.Fail[reloadFRR] = errors.New("lost the connection")
	err := guard(runsConf{render: newConf}).Apply(t.Context(), h)
	if err == nil || wasRolledBack(err) || slices.Contains(h.Log, rollBack) || slices.Contains(h.Log, stopTimer) || h.Log[len(h.Log)-1] != reloadFRR {
		t.Errorf("got %v, did %q", err, h.Log)
	}
}
