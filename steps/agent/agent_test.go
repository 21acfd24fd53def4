package agent

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/step/steptest"
)

const askStatusLine = Path + " status --json"

// An agentHost is a node whose agent is of some build. None of its files is as
// it is to be.
type agentHost struct{ *steptest.Host }

func (h agentHost) Query(ctx context.Context, argv ...string) (string, error) {
	if argv[0] == "sh" { // the files' hashes
		return strings.Repeat("absent\n", 3), nil
	}
	return h.Host.Query(ctx, argv...)
}

func newAgentHost(t *testing.T, running, file *vm.Build) agentHost {
	t.Helper()
	h := agentHost{&steptest.Host{Answers: map[string]string{"uname -m": "x86_64\n"}, Status: map[string]int{}}}
	askVersion := Path + " version --json"
	if running == nil {
		h.Status[askStatusLine] = 1
	} else {
		s := vm.Status{Build: *running, Healthy: true, Binary: vm.Binary{SHA256: "another", Replaced: file != nil}}
		h.Answers[askStatusLine] = marshal(t, s)
	}
	if file == nil {
		h.Status[askVersion] = 64 // as one that is too old for --json
	} else {
		h.Answers[askVersion] = marshal(t, *file)
	}
	return h
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestANewerAgentIsNotReplaced(t *testing.T) {
	ours := ourVersion()
	if ours.Committed.IsZero() {
		t.Fatal("this test needs the agents: make build")
	}
	newer, older, dirty, next := ours, ours, ours, ours
	newer.Committed = ours.Committed.Add(time.Hour)
	older.Committed = ours.Committed.Add(-time.Hour)
	dirty.Version += "-dirty"
	next.Protocol++
	none, builds := (*vm.Build)(nil), &Builds{}
	for _, tt := range []struct {
		name          string
		running, file *vm.Build
		downgrade     bool
		refused       bool
	}{
		{"newer", &newer, none, false, true},
		{"newer protocol", &next, none, false, true},
		{"newer, told to go back", &newer, none, true, false},
		{"newer file, the old one still runs", &older, &newer, false, true},
		{"newer file, none runs", none, &newer, false, true},
		{"older", &older, none, false, false},
		{"before there was a protocol", &vm.Build{Version: "138bda7"}, none, false, false},
		{"the same commit", &dirty, none, false, false},
		{"too old to be asked, none runs", none, none, false, false},
	} {
		h := newAgentHost(t, tt.running, tt.file)
		diff, err := Installed{inventory.AgentConfig{}, builds, tt.downgrade}.Check(context.Background(), h)
		var e *newerAgentError
		if errors.As(err, &e) != tt.refused || !tt.refused && (err != nil || len(diff) == 0) {
			t.Errorf("%s: %v, %v", tt.name, diff, err)
		}
		if tt.refused && (!strings.Contains(e.Error(), "the agent there is newer") || !strings.Contains(e.Hint(), "update this ipfabric") ||
			!strings.Contains(e.Hint(), "--downgrade-agent")) {
			t.Errorf("%s: %v (%s)", tt.name, e, e.Hint())
		}
	}
}

func TestOlderOrNewer(t *testing.T) {
	ours := ourVersion()
	newer, older, other := ours, ours, ours
	newer.Protocol++
	older.Protocol--
	other.Version += "-dirty"
	for want, b := range map[string]vm.Build{"a newer version": newer, "an older version": older, "another build": other} {
		if got := olderOrNewer(b); got != want {
			t.Errorf("%s: got %s", b, got)
		}
	}
	if version, _ := assets.AgentVersion(); version == "" {
		t.Error("the agents have no version: make build")
	}
}
