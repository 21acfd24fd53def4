package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/verify"
	"ipfabric/steps/vms"
)

func TestPlanExitCodes(t *testing.T) {
	b := newBench(t)
	wantCode(t, b.Preview(context.Background(), b.testPlan(), PlanOptions{}), ui.ExitChanges)
	if b.written() != "" {
		t.Errorf("written: %s", b.written())
	}
	b.settle("rr1", "rr2", "node1")
	wantCode(t, b.Preview(context.Background(), b.testPlan(), PlanOptions{}), ui.ExitOK)
	b.fleet = NewFleet(b.fleet.open)
	b.hosts["rr2"].openErr = connectError("rr2", remote.Unreachable)
	wantCode(t, b.Preview(context.Background(), b.testPlan(), PlanOptions{}), ui.ExitHosts)
}

func TestVerifyWaits(t *testing.T) {
	b := newBench(t)
	bad := &verify.Report{Hosts: []verify.HostReport{{Host: "rr1", Checks: []verify.Check{{Name: "reachable", Status: verify.Bad}}}}}
	b.reports = []*verify.Report{bad, {Healthy: true}}
	wantCode(t, b.Verify(context.Background(), VerifyOptions{Wait: time.Minute}), ui.ExitOK)

	b.verified, b.reports = 0, []*verify.Report{bad}
	wantCode(t, b.Verify(context.Background(), VerifyOptions{}), ui.ExitUnhealthy)

	b.pollEvery = time.Millisecond
	b.verified = 0
	wantCode(t, b.Verify(context.Background(), VerifyOptions{Wait: 20 * time.Millisecond}), ui.ExitUnhealthy)
	if b.verified < 2 {
		t.Errorf("verified %d times", b.verified)
	}
}

func TestVerifyWithALimit(t *testing.T) {
	b := newBench(t)
	report := &verify.Report{
		Hosts: []verify.HostReport{
			{Host: "rr1", Checks: []verify.Check{{Name: "reachable", Status: verify.OK}}},
			{Host: "node1", Checks: []verify.Check{{Name: "reachable", Status: verify.OK}}},
		},
		Sessions: []verify.Session{
			{RR: "rr1", Peer: "rr2", Status: verify.Bad},
			{RR: "rr1", Peer: "node1", Status: verify.OK},
		},
	}
	got := report.Only([]string{"node1"}, nil)
	if !got.Healthy || len(got.Hosts) != 1 || len(got.Sessions) != 1 {
		t.Errorf("restricted to node1: %+v", got)
	}
	if got := report.Only([]string{"rr2"}, nil); got.Healthy {
		t.Errorf("restricted to rr2: %+v", got)
	}

	reach := b.reachFor(limit{hosts: []string{"node1"}})
	if _, err := reach(context.Background(), "mx1"); err == nil {
		t.Error("mx1 was asked for node1's sake")
	}
	if _, err := reach(context.Background(), "rr2"); err != nil {
		t.Errorf("rr2 was not asked: %v", err)
	}
}

func TestLimitedReportOfVMs(t *testing.T) {
	lacking := vmOn("node2", "db", "announced", verify.Bad, "rr2 has no route to it")
	lacking.Seen = append(lacking.Seen, vms.Seen{RR: "rr2", Status: vms.SeenNo})
	r := &verify.Report{VMs: []verify.VMCheck{vmOn("node1", "web", "announced", verify.OK, ""), lacking}}
	for hosts, want := range map[string]string{"node1": "web true", "node2": "db false", "rr1": "web true", "rr2": "db false", "rr1,node2": "web db false", "mx1": "true"} {
		got := r.Only(strings.Split(hosts, ","), nil)
		var words []string
		for _, v := range got.VMs {
			words = append(words, v.VM)
		}
		if text := strings.Join(append(words, fmt.Sprint(got.Healthy)), " "); text != want {
			t.Errorf("--limit %s: %s, want %s", hosts, text, want)
		}
	}
}

// Init does not wait for a VM that a reflector lacks which has failed.
func TestHopelessVMs(t *testing.T) {
	v := vmOn("node1", "web", "announced", verify.Bad, "")
	v.Seen = append(v.Seen, vms.Seen{RR: "rr2", Status: vms.SeenNo})
	for down, want := range map[string]bool{"rr2": true, "node1": true, "rr1": false, "": false} {
		if got := vmCannotRecover(v, func(host string) bool { return host == down }); got != want {
			t.Errorf("%s is down: %t", down, got)
		}
	}
}

func vmOn(node, name, state string, status verify.Status, detail string) verify.VMCheck {
	return verify.VMCheck{VM: name, Node: node, State: state, Status: status, Detail: detail, Seen: []vms.Seen{{RR: "rr1", Status: vms.SeenYes}}}
}

// The command that a plan names does what the plan shows, on the hosts that were
// looked at, and is not one that init refuses.
func TestPlanSaysHowToApply(t *testing.T) {
	b := newBench(t)
	b.File, b.limit = "lab/fabric 2.yaml", limit{words: []string{"rr1", "node1"}, hosts: []string{"rr1", "node1"}}
	if err := b.Preview(context.Background(), b.testPlan(), PlanOptions{Upgrade: true}); ui.ExitCode(err) != ui.ExitChanges {
		t.Errorf("got %v", err)
	}
	wantText(t, "note", b.err.String(), "`ipfabric init -f 'lab/fabric 2.yaml' --limit rr1,node1 --upgrade-frr` applies this")

	b = newBench(t)
	foreign := fakeStep{path: "/etc/frr/frr.conf", want: "ipfabric (needs --adopt)"}
	if err := b.Preview(context.Background(), b.testPlan(foreign), PlanOptions{}); ui.ExitCode(err) != ui.ExitChanges {
		t.Errorf("got %v", err)
	}
	wantText(t, "note", b.err.String(), "init refuses this without --adopt: `ipfabric init --adopt` applies it")
}
