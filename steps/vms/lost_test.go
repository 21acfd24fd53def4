package vms

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ipfabric/steps/step/steptest"
)

// lose has an agent lose a VM's file: it knows what the kernel still has.
func (f *fleet) lose(node, name string) {
	f.agents[node][name].FileError = "its file cannot be used: web.json.corrupt"
}

func TestAVMWhoseFileIsLost(t *testing.T) {
	f := movable(t)
	f.lose("node1", "web")
	l := f.control().List(context.Background())
	if v := l.VMs[0]; v.State != "problem" || len(v.Problems) != 1 || !strings.Contains(v.Problems[0], "web.json.corrupt") {
		t.Errorf("%+v", v)
	}
	_, err := f.move("node2")
	wantError(t, err, Refused, "VM web on node1: its file cannot be used", "ipfabric vm add web --node node1")
	_, _, err = add(t, f, Wish{Name: "web", Node: "node1"})
	wantError(t, err, Refused, "its file cannot be used", "--ip 203.0.113.1 --ip6 2001:db8:100::1")
	_, _, err = add(t, f, Wish{Name: "web", Node: "node2", IP: "203.0.113.1", IP6: "none"})
	wantError(t, err, Refused, "there is a VM web on node1 already: its file", "vm remove web")
	_, _, err = add(t, f, Wish{Name: "other", Node: "node1", IP: "203.0.113.1", IP6: "none"})
	wantError(t, err, Refused, "203.0.113.1 is in use: it is VM web on node1")

	if len(f.changes) > 0 {
		t.Fatalf("changed: %q", f.changes)
	}
	if _, already, err := add(t, f, Wish{Name: "web", Node: "node1", IP: "203.0.113.1", IP6: "2001:db8:100::1"}); err != nil || already {
		t.Errorf("added anew: %v %v", already, err)
	}
}

func TestNamesAreThoseOfTheNodesThatAnswer(t *testing.T) {
	f := movable(t)
	f.put("node2", "web", "203.0.113.1", "", PhaseMigrating)
	f.put("node2", "app", "203.0.113.2", "", PhaseLive)
	f.down["node3"] = true
	if got := strings.Join(f.control().Names(context.Background()), " "); got != "app web" {
		t.Errorf("got %s", got)
	}
}

func TestListNamesWhoElseAnnounces(t *testing.T) {
	f := movable(t)
	f.stranger["203.0.113.1"] = "node2"
	v := f.control().List(context.Background()).VMs[0]
	want := "rr1 and rr2 have another route to 203.0.113.1 by node2, where no VM has that address"
	if got := strings.Join(v.Problems, "\n"); !strings.Contains(got, want) {
		t.Errorf("got %s", got)
	}
	// What node2 has is not known if it was not asked.
	v = f.control().List(context.Background(), "node1").VMs[0]
	if got := strings.Join(v.Problems, "\n"); strings.Contains(got, "another route") {
		t.Errorf("got %s", got)
	}
}

// An agentExit is how the agent's client ends.
type agentExit struct {
	steptest.Status
	said string
}

func (e agentExit) Said() string { return e.said }

func TestWhatTheAgentSaysIsHandedOn(t *testing.T) {
	refused := agentExit{1, `{"code":"disk-full","error":"VM web is not added: no space left on device","hint":"make room"}`}
	f := newFleet(t)
	f.before = func(int, string) error { return refused }
	_, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	wantError(t, err, Refused, "node1: VM web is not added: no space left on device", "make room")
	if strings.Contains(err.Error(), "hint") || strings.Contains(err.Error(), "disk-full") {
		t.Errorf("got %v", err)
	}
	f.before = func(int, string) error {
		return agentExit{1, `{"code":"not-running","error":"the agent is not running: nothing listens on /run/ipfabric/agent.sock","hint":"systemctl status ipfabric-agent"}`}
	}
	_, _, err = add(t, f, Wish{Name: "web", Node: "node1"})
	wantError(t, err, Unanswered, "whether VM web (203.0.113.1 and 2001:db8:100::1) was added on node1 is not known: node1: the agent is not running")
	f.before = func(int, string) error { return agentExit{1, "sh: broken"} }
	_, _, err = add(t, f, Wish{Name: "web", Node: "node1"})
	wantError(t, err, Unanswered, "is not known: node1: ")
}

func TestAddInterrupted(t *testing.T) {
	f := newFleet(t)
	c := f.control()
	stop := make(chan struct{})
	c.Stop = stop
	close(stop)
	r, err := NewRequest(f.fabric, Wish{Name: "web", Node: "node1"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Add(context.Background(), r)
	wantError(t, err, Refused, "VM web was not added", "run the same command again")
	if !errors.Is(err, ErrInterrupted) || len(f.changes) > 0 {
		t.Errorf("%v, %q", err, f.changes)
	}

	// The second Ctrl-C comes while the agent is at it.
	ctx, cancel := context.WithCancel(context.Background())
	f.after = func(int, string) error { cancel(); return context.Canceled }
	_, _, err = f.control().Add(ctx, r)
	wantError(t, err, Unanswered, "whether VM web (203.0.113.1 and 2001:db8:100::1) was added on node1 is not known", "ipfabric vm show web")
}

func TestInterruptedBeforeAnythingIsDone(t *testing.T) {
	f := movable(t)
	c := f.control()
	stop := make(chan struct{})
	c.Stop = stop
	close(stop)
	_, err := c.Move(context.Background(), "web", "node2", MoveOptions{Wait: time.Second})
	wantError(t, err, Refused, "VM web was not moved")
	_, _, err = c.Remove(context.Background(), "web")
	wantError(t, err, Refused, "VM web was not removed from node1")
	if len(f.changes) > 0 {
		t.Errorf("%q", f.changes)
	}
}
