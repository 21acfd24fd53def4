package steps

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
)

// An agentHost is a node whose agent is of some build. None of its files is as
// it is to be.
type agentHost struct{ *fakeHost }

func (h agentHost) Query(ctx context.Context, argv ...string) (string, error) {
	if argv[0] == "sh" { // the files' hashes
		return strings.Repeat("absent\n", 3), nil
	}
	return h.fakeHost.Query(ctx, argv...)
}

func newAgentHost(t *testing.T, running, file *vm.Build) agentHost {
	t.Helper()
	h := agentHost{&fakeHost{answers: map[string]string{"uname -m": "x86_64\n"}, status: map[string]int{}}}
	askVersion := agentPath + " version --json"
	if running == nil {
		h.status[askStatus] = 1
	} else {
		s := vm.Status{Build: *running, Healthy: true, Binary: vm.Binary{SHA256: "another", Replaced: file != nil}}
		h.answers[askStatus] = marshal(t, s)
	}
	if file == nil {
		h.status[askVersion] = 64 // as one that is too old for --json
	} else {
		h.answers[askVersion] = marshal(t, *file)
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
	ours := agentVersion()
	if ours.Committed.IsZero() {
		t.Fatal("this test needs the agents: make build")
	}
	newer, older, dirty, next := ours, ours, ours, ours
	newer.Committed = ours.Committed.Add(time.Hour)
	older.Committed = ours.Committed.Add(-time.Hour)
	dirty.Version += "-dirty"
	next.Protocol++
	none, builds := (*vm.Build)(nil), &agentBuilds{}
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
		diff, err := agentInstalled{inventory.AgentConfig{}, builds, tt.downgrade}.Check(context.Background(), h)
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
	ours := agentVersion()
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

// vm commands say which side is older, and what to do.
func TestVMCommandsWithAnAgentOfAnotherProtocol(t *testing.T) {
	older := agentExit{64, "ipfabric-agent: unknown flag: --protocol\nhint: ipfabric-agent help"} // as 138bda7 says it
	said, err := json.Marshal(vm.CheckProtocol(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	c := &VMControl{Fabric: parseFabric(t, vmFabric)}
	wantError(t, c.agentError("node1", older), VMSilent,
		"node1: the agent is older than this ipfabric: it speaks protocol 0, not 1", "`ipfabric init --limit node1` updates it")
	wantError(t, c.agentError("node1", agentExit{1, string(said)}), VMSilent,
		"node1: this ipfabric is older than the agent, which speaks protocol 2, not 1", "update ipfabric to the version")
}

// Errors are told apart by their code, whatever their text.
func TestCodesOfTheAgent(t *testing.T) {
	c := &VMControl{Fabric: parseFabric(t, vmFabric)}
	for code, kind := range map[vm.Code]VMErrorKind{
		vm.NotRunning: VMSilent, vm.NoPermission: VMSilent, vm.NoAnswer: VMSilent, vm.AgentOlder: VMSilent, vm.IpfabricOlder: VMSilent,
		vm.Conflict: VMRefused, vm.Invalid: VMRefused, vm.DiskFull: VMRefused, vm.NotFound: VMRefused, vm.Internal: VMRefused,
	} {
		err := c.agentError("node1", agentExit{1, marshal(t, vm.Errorf(code, "the agent says something"))})
		wantError(t, err, kind, "node1: the agent says something")
		var e *VMError
		if errors.As(err, &e); e.Code != code {
			t.Errorf("%s became %s", code, e.Code)
		}
	}
}

func TestDotsAreNoName(t *testing.T) {
	f := parseFabric(t, vmFabric)
	_, err := NewVMRequest(f, VMWish{Name: "...", Node: "node1"})
	wantError(t, err, VMUsage, `VM name "...": it must begin with a letter or a digit`)
	_, err = NewVMRequest(f, VMWish{Name: "web", Node: "node1", Interface: "..."})
	wantError(t, err, VMUsage, `--interface "..." cannot be the name of a VM's interface`)
}
