package vms

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step/steptest"
)

// tellNode1 has the agent of node1 do something that ends so, and returns what
// the operator reads.
func tellNode1(t *testing.T, exit error) error {
	t.Helper()
	f := newFleet(t)
	f.before = func(int, string) error { return exit }
	return f.control().setPhase(context.Background(), VM{Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "web"}}}, PhaseLive)
}

// vm commands say which side is older, and what to do.
func TestVMCommandsWithAnAgentOfAnotherProtocol(t *testing.T) {
	older := agentExit{64, "ipfabric-agent: unknown flag: --protocol\nhint: ipfabric-agent help"} // as 138bda7 says it
	said, err := json.Marshal(vm.CheckProtocol(1, 2))
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, tellNode1(t, older), Unanswered,
		"node1: the agent is older than this ipfabric: it speaks protocol 0, not 1", "`ipfabric init --limit node1` updates it")
	wantError(t, tellNode1(t, agentExit{1, string(said)}), Unanswered,
		"node1: this ipfabric is older than the agent, which speaks protocol 2, not 1", "update ipfabric to the version")
}

// Errors are told apart by their code, whatever their text.
func TestCodesOfTheAgent(t *testing.T) {
	for code, kind := range map[vm.Code]ErrorKind{
		vm.NotRunning: Unanswered, vm.NoPermission: Unanswered, vm.NoAnswer: Unanswered, vm.AgentOlder: Unanswered, vm.IpfabricOlder: Unanswered,
		vm.Conflict: Refused, vm.Invalid: Refused, vm.DiskFull: Refused, vm.NotFound: Refused, vm.Internal: Refused,
	} {
		err := tellNode1(t, agentExit{1, toJSON(t, vm.Errorf(code, "the agent says something"))})
		wantError(t, err, kind, "node1: the agent says something")
		var e *Error
		if errors.As(err, &e); e.Code != code {
			t.Errorf("%s became %s", code, e.Code)
		}
	}
}

func TestDotsAreNoName(t *testing.T) {
	f := steptest.ParseFabric(t, FabricText)
	_, err := NewRequest(f, Wish{Name: "...", Node: "node1"})
	wantError(t, err, Usage, `VM name "...": it must begin with a letter or a digit`)
	_, err = NewRequest(f, Wish{Name: "web", Node: "node1", Interface: "..."})
	wantError(t, err, Usage, `--interface "..." cannot be the name of a VM's interface`)
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
