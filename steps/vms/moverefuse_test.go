package vms

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestMoveRefuses(t *testing.T) {
	tests := []struct {
		name  string
		have  func(*fleet)
		to    string
		skip  []string
		kind  ErrorKind
		parts []string
	}{
		{"no such node", nil, "nod2", nil, Usage, []string{"nod2"}},
		{"no such reflector", nil, "node2", []string{"node1"}, Usage, []string{"--skip-rr"}},
		{"the new node is down", func(f *fleet) { f.down["node2"] = true }, "node2", nil, Unanswered, []string{"node2 does not answer"}},
		{"the old node is down", func(f *fleet) { f.down["node1"] = true }, "node2", nil, Unanswered, []string{"whether there is a VM web is not known: no node that answered has it, and node1 does not answer", "node1 does not answer"}},
		{"a reflector is down", func(f *fleet) { f.down["rr2"] = true }, "node2", nil, Unanswered, []string{"rr2", "--skip-rr rr2"}},
		{"no reflector is left", nil, "node2", []string{"rr1", "rr2"}, Refused, []string{"no route reflector that ipfabric manages"}},
		{"another kind of node", nil, "node3", nil, Refused, []string{"node3 is for lxd", "for kvm"}},
		{"it is libvirt's", func(f *fleet) { f.agents["node1"]["web"].Source = "libvirt" }, "node2", nil, Refused, []string{"belongs to libvirt"}},
		{"it is off", func(f *fleet) { f.putOff("node1", "web", "203.0.113.1") }, "node2", nil, Refused,
			[]string{"VM web on node1 belongs to lxd, and is off", "start it with lxd"}},
		{"it is off where it is to go", func(f *fleet) { f.putOff("node1", "web", "203.0.113.1") }, "node1", nil, Refused, []string{"and is off"}},
		{"it is arriving", func(f *fleet) { f.put("node2", "web", "203.0.113.1", "2001:db8:100::1", PhaseWaiting) }, "node2", nil, Refused, []string{"arriving on node2"}},
		{"it is withdrawn", func(f *fleet) { f.agents["node1"]["web"].Phase = PhaseWithdrawn }, "node2", nil, Refused, []string{"withdrawn on node1"}},
		{"another VM of that name", func(f *fleet) { f.put("node2", "web", "203.0.113.2", "", PhaseLive) }, "node2", nil, Refused, []string{"two different VMs web"}},
		{"another move is not finished", func(f *fleet) {
			f.put("node3", "web", "203.0.113.1", "2001:db8:100::1", PhaseMigrating)
		}, "node2", nil, Refused, []string{"being moved between node1 and node3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := movable(t)
			if tt.have != nil {
				tt.have(f)
			}
			_, err := f.control().Move(context.Background(), "web", tt.to, MoveOptions{Wait: time.Second, SkipRRs: tt.skip})
			wantError(t, err, tt.kind, tt.parts...)
			if len(f.changes) > 0 {
				t.Errorf("changed: %q", f.changes)
			}
		})
	}
}

// Who does not answer is handed on, for the operator to read why.
func TestMoveNamesWhoIsSilent(t *testing.T) {
	for _, host := range []string{"rr2", "node2"} {
		f := movable(t)
		f.down[host] = true
		_, err := f.move("node2")
		var e *Error
		if !errors.As(err, &e) || len(e.Silent) != 1 || e.Silent[0].Host != host {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestMoveWithoutABrokenReflector(t *testing.T) {
	f := movable(t)
	f.down["rr2"] = true
	_, err := f.control().Move(context.Background(), "web", "node2", MoveOptions{Wait: time.Second, SkipRRs: []string{"rr2"}})
	if err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}

func TestMoveOfNoVM(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	_, err := f.control().Move(context.Background(), "wob", "node2", MoveOptions{})
	var missing *NotFoundError
	if !errors.As(err, &missing) || fmt.Sprint(missing.Names) != "[web]" {
		t.Errorf("got %v", err)
	}
}

func TestMoveOfWhatIsThereAlreadyLooksForOthers(t *testing.T) {
	f := movable(t)
	f.stranger["203.0.113.1"] = "node3"
	_, err := f.move("node1")
	wantError(t, err, Refused, "VM web is on node1 already, but rr1 still has 203.0.113.1 by node3", "ipfabric verify")
}
