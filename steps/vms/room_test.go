package vms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

// One VM too many would close the sessions of the whole node: nothing is done.
func TestAVMTooManyIsRefused(t *testing.T) {
	fill := func(t *testing.T) *fleet {
		f := newFleet(t)
		f.fabric.BGP.MaxPrefixes = 2
		f.put("node1", "a", "203.0.113.1", "", PhaseLive)
		f.put("node1", "b", "203.0.113.2", "2001:db8:100::2", PhaseWaiting)
		f.put("node1", "c", "203.0.113.3", "", PhaseWithdrawn)
		f.put("node2", "d", "203.0.113.4", "", PhaseLive)
		return f
	}
	f := fill(t)
	_, _, err := add(t, f, Wish{Name: "e", Node: "node1"})
	wantError(t, err, Refused, "node1 has 2 VMs with an IPv4 address, and the route reflectors accept no more", "max_prefixes below bgp: in the inventory (it is 2)")
	_, err = f.control().Move(t.Context(), "d", "node1", MoveOptions{})
	wantError(t, err, Refused, "node1 has 2 VMs with an IPv4 address")
	if len(f.changes) > 0 {
		t.Errorf("changed: %q", f.changes)
	}
	// A family has a limit of its own, and a VM that is there already counts once.
	if _, _, err := add(t, f, Wish{Name: "six", Node: "node1", IP: "none"}); err != nil {
		t.Error(err)
	}
	if _, _, err := add(t, f, Wish{Name: "a", Node: "node1", IP: "203.0.113.1", IP6: "none"}); err != nil {
		t.Error(err)
	}
}

func TestJudgeOfVMsThatAreHeldBack(t *testing.T) {
	const addr = "203.0.113.1"
	held := func(v *VM) {
		v.Unannounced, v.Routes, v.Announced, v.Carrier = "another node announces it", 0, false, false
	}
	w := newWorld(t)
	w.vm("node1", "web", addr, held)
	w.vm("node2", "web", addr, nil)
	w.route(addr, "node2")
	want := []string{
		"web on node2 warning move-cut-off: it is on node1 too, which does not announce it",
		"  if no move is running, `ipfabric vm move web --to node2` takes it from node1",
	}
	if got := w.judged(); !slices.Equal(got, want) {
		t.Errorf("another node has it:\n%s", strings.Join(got, "\n"))
	}
	if got := w.node("node1").State(w.node("node1").VMs[0]); got != stateHeldBack {
		t.Errorf("state %s", got)
	}

	w = newWorld(t)
	w.vm("node1", "web", addr, held)
	n := w.node("node1")
	n.Status.Findings = []vm.Finding{{Code: vm.MaxPrefixes, Level: vm.IsProblem, VMs: []string{"web"}}}
	if got := w.judged(); len(got) < 1 || !strings.HasPrefix(got[0], "web on node1 failed too-many: it is not announced: another node") {
		t.Errorf("it is one too many: %q", got)
	}
	n.Status.Findings = []vm.Finding{{Code: vm.MaxPrefixes, Level: vm.IsWarning, Text: "9 of 10"}}
	if got := w.judged(); len(got) != 1 || got[0] != "on node1 warning near-limit: 9 of 10" {
		t.Errorf("nearly: %q", got)
	}
}

// A node that draws a VM's packets to itself, though the guest is on another, is
// no move that goes its way.
func TestJudgeOfAVMThatIsDrawnAway(t *testing.T) {
	const addr = "203.0.113.1"
	for _, tt := range []struct {
		name             string
		guest1, guest2   bool
		phase1           vm.Phase
		want, wantHinted string
	}{
		{"a move", true, true, PhaseMigrating, "warning moving", ""},
		{"the guest has moved", true, false, PhaseMigrating, "warning moving", ""},
		{"no guest where it is preferred", false, true, PhaseMigrating, "failed doubled: node1 announces it too and is preferred, but its guest is on node2: packets for it are lost", "vm move web --to node2"},
		{"none is preferred", false, true, PhaseLive, "failed doubled", "the guest is on node2: `ipfabric vm move web --to node2`"},
	} {
		w := newWorld(t)
		w.vm("node1", "web", addr, func(v *VM) { v.Phase, v.Carrier = tt.phase1, tt.guest1 })
		w.vm("node2", "web", addr, func(v *VM) { v.Carrier = tt.guest2 })
		w.route(addr, "node1")
		w.route(addr, "node2")
		got := strings.Join(w.judged(), "\n")
		for _, node := range []string{"node1", "node2"} {
			if !strings.Contains(got, fmt.Sprintf("web on %s %s", node, tt.want)) || !strings.Contains(got, tt.wantHinted) {
				t.Errorf("%s, %s:\n%s", tt.name, node, got)
			}
		}
	}
}

// After a power cut in the middle of a move, the new node waits for a guest that
// will not come.
func TestAMoveAfterAPowerCutOfTheNewNode(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.put("node2", "web", "203.0.113.1", "", PhaseWaiting)
	f.guests["node2 web"] = false
	if _, err := f.control().Move(t.Context(), "web", "node1", MoveOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := f.has("web"); got != "node1 live" {
		t.Errorf("got %s", got)
	}
}
