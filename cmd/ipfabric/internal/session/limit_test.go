package session

import (
	"context"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/verify"
)

func TestLimitSelects(t *testing.T) {
	b := newBench(t) // rr1, rr2, mx1, node1
	for _, tt := range []struct{ words, hosts, err string }{
		{"", "", ""},
		{"rr1,rr1, node1", "rr1 node1", ""},
		{"rr*", "rr1 rr2", ""},
		{"*1", "rr1 mx1 node1", ""},
		{"@rrs,@nodes", "rr1 rr2 node1", ""},
		{"!rr2", "rr1 mx1 node1", ""},
		{"!rr2,rr*,node1", "rr1 node1", ""}, // the order is of no account
		{"@rrs,!rr?", "", "leaves no host"},
		{"nod1", "", `the fabric has no host "nod1"`},
		{"!nod1", "", `the fabric has no host "nod1"`},
		{"xx*", "", `no host of the fabric fits "xx*"`},
		{"@rr", "", `there is no group "@rr"`},
		{"rr[", "", "is not a pattern"},
	} {
		l, err := parseLimit(b.fabric, strings.Split(tt.words, ","))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%q: %v, want %s", tt.words, err, tt.err)
			}
			wantCode(t, err, ui.ExitUsage)
			continue
		}
		if got := strings.Join(l.hosts, " "); err != nil || got != tt.hosts {
			t.Errorf("%q: %s, %v, want %s", tt.words, got, err, tt.hosts)
		}
	}
}

// A name of what init does not change is an error; a pattern may fit it, too.
func TestLimitOfAPlan(t *testing.T) {
	b := newBench(t)
	for words, want := range map[string]string{"mx1": "mx1 is a core gateway", "@cores": "mx1 is a core gateway", "*1": "", "!rr2": "", "*1,mx1": "mx1 is a core gateway"} {
		b.limit, _ = parseLimit(b.fabric, strings.Split(words, ","))
		plan, err := b.Plan(PlanOptions{})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", words, err)
			}
			continue
		}
		if err != nil || strings.Join(plan.Hosts(), " ") != "rr1 node1" {
			t.Errorf("%s: %v, %v", words, plan.Hosts(), err)
		}
	}
}

// The host key of an excluded host may have changed: the others are changed
// and verified all the same, and it is not contacted.
func TestAnExcludedHostIsNotContacted(t *testing.T) {
	b := newBench(t)
	b.limit, _ = parseLimit(b.fabric, []string{"!rr2"})
	b.hosts["rr2"].openErr = connectError("rr2", remote.HostKeyChanged)
	connect := b.reachFor(b.limit)
	for _, name := range []string{"rr1", "node1", "mx1"} {
		if _, err := connect(context.Background(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := connect(context.Background(), "rr2"); err == nil || b.hosts["rr2"].opened > 0 {
		t.Errorf("rr2 was contacted: %v", err)
	}
	b.reports = []*verify.Report{{Sessions: []verify.Session{
		{RR: "rr1", Peer: "node1", Status: verify.OK}, {RR: "rr1", Peer: "rr2", Status: verify.Bad},
		{RR: "rr2", Peer: "node1", Status: verify.Bad},
	}}}
	wantCode(t, b.Converge(context.Background(), b.testPlan().Only("rr1", "node1"), InitOptions{Yes: true}), ui.ExitOK)
}
