package verify

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/bgp"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// refused is an error of the connection, with a hint as remote's have.
type refused struct{}

func (refused) Error() string { return "node2 (10.10.0.22:22) refused the connection" }
func (refused) Hint() string  { return "is sshd running there?" }

func TestVerifyUnreachableHost(t *testing.T) {
	fleet := recorded(t, "bgpd-killed")
	fleet.down["node2"] = refused{}
	r := fleet.verify(t)
	want := []string{
		"node2 reachable failed: node2 (10.10.0.22:22) refused the connection",
		"  is sshd running there?",
		"node2 frr-running not-checked: because reachable failed",
		"node2 config-in-sync not-checked: because reachable failed",
		"node2 agent-healthy not-checked: because reachable failed",
	}
	if diff := cmp.Diff(want, about(r, "node2")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	// The other side decides: down where it says so, else nobody knows.
	want = []string{
		"rr1 node2 ipv4-unicast failed: Connect at rr1 for 8s, last error: BFD down received; node2 cannot be reached",
		"  first node2: why it cannot be reached stands with its checks",
	}
	if diff := cmp.Diff(want, about(r, "rr1 node2 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	want = []string{"rr2 node2 ipv4-unicast not-checked: Established at rr2; node2 cannot be reached"}
	if diff := cmp.Diff(want, about(r, "rr2 node2 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	// The sessions are no problems of their own.
	if r.Healthy || r.Problems() != 1 {
		t.Errorf("Healthy %v, %d problems", r.Healthy, r.Problems())
	}
}

func TestVerifyBothEndsUnreachable(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.down["rr1"], fleet.down["node1"] = errors.New("timeout"), errors.New("timeout")
	r := fleet.verify(t)
	want := []string{"rr1 node1 ipv4-unicast not-checked: rr1 cannot be reached; node1 cannot be reached"}
	if diff := cmp.Diff(want, about(r, "rr1 node1 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	want = []string{"rr1 reachable failed: timeout", "  to see it for yourself: ssh root@10.10.0.11 true"}
	if diff := cmp.Diff(want, about(r, "rr1 reachable")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// Nothing else is wrong, but not all is known: that is not healthy.
func TestVerifyNotCheckedIsNotHealthy(t *testing.T) {
	r := &Report{Sessions: []Session{{Status: NotChecked}, {Status: Warn}, {Status: OK}}}
	if r.Problems() != 1 {
		t.Errorf("Problems: %d", r.Problems())
	}
}

// A connection that breaks while questions are asked.
func TestVerifyLostConnection(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.hosts["rr1"].Answers = nil // every question fails without an exit status
	r := fleet.verify(t)
	got := about(r, "rr1 reachable")
	if len(got) == 0 || !strings.HasPrefix(got[0], "rr1 reachable failed: the test gave no answer") {
		t.Errorf("got %q", got)
	}
}

func TestVerifyFRRNotRunning(t *testing.T) {
	const journal = "what it says: ssh root@10.10.0.22 journalctl -u frr -n 50 --no-pager"
	tests := []struct {
		name string
		edit func(h *steptest.Host)
		want []string
	}{
		{"bgpd killed", func(h *steptest.Host) { setDaemons(h, " zebra bfdd\n", 0) }, []string{
			"node2 frr-running failed: bgpd does not run",
			"  FRR's watchfrr starts a daemon that died again within seconds; if it does not, " + journal}},
		{"two daemons", func(h *steptest.Host) { setDaemons(h, " bgpd watchfrr\n", 0) }, []string{
			"node2 frr-running failed: zebra and bfdd do not run",
			"  FRR's watchfrr starts a daemon that died again within seconds; if it does not, " + journal}},
		{"no daemon at all", func(h *steptest.Host) { setDaemons(h, "", 1) }, []string{
			"node2 frr-running failed: zebra and bgpd and bfdd do not run",
			"  FRR's watchfrr starts a daemon that died again within seconds; if it does not, " + journal}},
		{"vtysh fails", func(h *steptest.Host) {
			h.Fail = map[string]error{askDaemons: errors.New("permission denied")}
		}, []string{"node2 frr-running failed: vtysh gives no answer: permission denied", "  " + journal}},
		{"stopped", func(h *steptest.Host) { h.Answers[askUnit] = "LoadState=loaded\nActiveState=failed\n" }, []string{
			"node2 frr-running failed: frr.service is failed", "  " + journal}},
		{"not installed", func(h *steptest.Host) { h.Answers[askUnit] = "LoadState=not-found\nActiveState=inactive\n" }, []string{
			"node2 frr-running failed: FRR is not installed", "  `ipfabric init --limit node2` installs it"}},
		{"no systemd", func(h *steptest.Host) { h.Status[askUnit] = 127 }, []string{
			"node2 frr-running failed: systemd gives no answer: exit status 127"}},
		{"bgpd says nothing", func(*steptest.Host) {}, []string{
			"node2 frr-running failed: bgpd says nothing of its neighbors",
			"  to see it for yourself: ssh root@10.10.0.22 \"vtysh -c 'show bgp neighbors json'\""}},
		{"JSON cut off", func(h *steptest.Host) { h.Answers[steptest.Line(bgp.Question...)] = "{\n \"10.10.0.11\":{" }, []string{
			"node2 frr-running failed: bgpd gives no answer about its neighbors: its JSON cannot be read: unexpected EOF",
			"  to see it for yourself: ssh root@10.10.0.22 \"vtysh -c 'show bgp neighbors json'\""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fleet := recorded(t, "bgpd-killed")
			tt.edit(fleet.hosts["node2"])
			r := fleet.verify(t)
			if diff := cmp.Diff(tt.want, about(r, "node2 frr-running")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if got := about(r, "node2 config-in-sync"); len(got) != 1 || !strings.HasSuffix(got[0], "not-checked: because frr-running failed") {
				t.Errorf("got %q", got)
			}
			if got := about(r, "rr1 node2 ipv6"); len(got) != 2 || !strings.HasSuffix(got[0], "last error: BFD down received; bgpd on node2 gives no answer") ||
				got[1] != "  node2 does not answer on 179/tcp: is bgpd running? ssh root@10.10.0.22 systemctl status frr" {
				t.Errorf("got %q", got)
			}
			if r.Healthy {
				t.Error("healthy")
			}
		})
	}
}

// Only bfdd is dead: bgpd answers, so the sessions are looked at.
func TestVerifyLooksAtSessionsWithoutBFDD(t *testing.T) {
	fleet := recorded(t, "bfdd-killed")
	setDaemons(fleet.hosts["node1"], " zebra bgpd\n", 0)
	r := fleet.verify(t)
	if got := about(r, "node1 frr-running"); len(got) == 0 || got[0] != "node1 frr-running failed: bfdd does not run" {
		t.Errorf("got %q", got)
	}
	if got := about(r, "rr1 node1 ipv4"); got != nil {
		t.Errorf("an established session: %q", got)
	}
	want := []string{
		"rr2 node1 ipv4-unicast failed: Established at rr2; Active at node1 for 7s, last error: Cease/BFD Down (received)",
		"  first node1: what is wrong with its FRR stands with its checks",
	}
	if diff := cmp.Diff(want, about(r, "rr2 node1 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// hangs is a host whose vtysh never answers.
type hangs struct{ *steptest.Host }

func (h hangs) Query(ctx context.Context, argv ...string) (string, error) {
	if slices.Contains(argv, "show bgp neighbors json") {
		<-ctx.Done()
		return "", ctx.Err()
	}
	return h.Host.Query(ctx, argv...)
}

func TestVerifyDoesNotHang(t *testing.T) {
	fleet := recorded(t, "healthy")
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	connect := func(ctx context.Context, name string) (step.Host, error) {
		if name == "rr1" {
			return hangs{fleet.hosts[name]}, nil
		}
		return fleet.connect(ctx, name)
	}
	r := verify(ctx, fleet.f, connect, nil, nil, 0)
	got := about(r, "rr1 frr-running")
	if len(got) == 0 || got[0] != "rr1 frr-running failed: bgpd gives no answer about its neighbors: gave up waiting: context deadline exceeded" {
		t.Errorf("got %q", got)
	}
}

func TestVerifyConfigInSync(t *testing.T) {
	secret := &diffStep{step.Diff{{Item: "running configuration", Want: " neighbor RR4 password s3cret"}, {Item: "running configuration", Have: " no bgp"}}, nil}
	file := &diffStep{step.Diff{{Item: "/etc/frr/frr.conf", Have: "a", Want: "b"}}, nil}
	broken := &diffStep{nil, errors.New("permission denied")}
	tests := []struct {
		name  string
		steps []step.Step
		err   error
		want  []string
	}{
		{"in sync", []step.Step{&diffStep{}}, nil, nil},
		{"drift", []step.Step{file, secret, &diffStep{}}, nil, []string{
			"rr1 config-in-sync failed: differs from the inventory: /etc/frr/frr.conf, running configuration",
			"  `ipfabric plan --limit rr1` shows the difference, `ipfabric init --limit rr1` removes it"}},
		{"error", []step.Step{broken}, nil, []string{
			"rr1 config-in-sync failed: whether it is so is not known: permission denied",
			"  `ipfabric plan --limit rr1` looks again"}},
		{"both", []step.Step{broken, file}, nil, []string{
			"rr1 config-in-sync failed: differs from the inventory: /etc/frr/frr.conf; whether it is so is not known: permission denied",
			"  `ipfabric plan --limit rr1` shows the difference, `ipfabric init --limit rr1` removes it"}},
		{"no plan", nil, errors.New("the BGP password was not read"), []string{
			"rr1 config-in-sync failed: what should be there is not known: the BGP password was not read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fleet := recorded(t, "healthy")
			r := verify(t.Context(), fleet.f, fleet.connect, map[string][]step.Step{"rr1": tt.steps}, tt.err, 0)
			if diff := cmp.Diff(tt.want, about(r, "rr1 config-in-sync")); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if got := about(r, "rr1 node1"); got != nil {
				t.Errorf("sessions do not depend on it: %q", got)
			}
		})
	}
}

// diffStep is a Step with a fixed answer.
type diffStep struct {
	diff step.Diff
	err  error
}

func (s *diffStep) String() string                                        { return "it is so" }
func (s *diffStep) Check(context.Context, step.Reader) (step.Diff, error) { return s.diff, s.err }
func (s *diffStep) Apply(context.Context, step.Host) error                { panic("verify must not apply") }

// Verify compares each managed host with all that init would make true of it.
func TestVerifyUsesThePlan(t *testing.T) {
	f := verifyFabric(t, nil)
	plan := run.Plan{
		{Tasks: []run.Task{{Node: "rr1", Steps: []step.Step{&diffStep{}}}}},
		{Tasks: []run.Task{{Node: "rr1", Steps: []step.Step{&diffStep{err: errors.New("no answer")}}}}},
	}
	fleet := recorded(t, "healthy")
	r := Verify(t.Context(), f, plan, nil, fleet.connect)
	if got := about(r, "rr1 config-in-sync"); len(got) == 0 || !strings.Contains(got[0], "is not known") {
		t.Errorf("got %q", got)
	}
}

func TestVerifyAgent(t *testing.T) {
	const status = "  more: ssh root@10.10.0.21 /usr/local/bin/ipfabric-agent status"
	tests := []struct {
		name, answer string
		exit         int
		want         []string
	}{
		{"well", agentWell, 0, nil},
		{"unhealthy", `{"protocol":1,"healthy":false,"problems":["a","b","c","d","e","f"]}`, 0, []string{
			"node1 agent-healthy failed: the agent is not healthy: a; b; c; d; and 2 more", status}},
		{"warnings", `{"protocol":1,"healthy":true,"problems":[],"warnings":["the node is drained"]}`, 0, []string{
			"node1 agent-healthy warning: the node is drained", status}},
		{"older", `{"version":"138bda7","healthy":true,"problems":[],"warnings":[]}`, 0, []string{
			"node1 agent-healthy failed: the agent is older than this ipfabric: it speaks protocol 0, not 1", "  `ipfabric init --limit node1` updates it"}},
		{"newer", `{"version":"v9","protocol":9,"healthy":true,"problems":[],"warnings":[]}`, 0, []string{
			"node1 agent-healthy failed: this ipfabric is older than the agent, which speaks protocol 9, not 1",
			"  update ipfabric to the version that the nodes' agents came with"}},
		{"not running", "", 1, []string{
			"node1 agent-healthy failed: the agent gives no answer: exit status 1",
			"  what it says: ssh root@10.10.0.21 journalctl -u ipfabric-agent -n 50 --no-pager"}},
		{"not there", "", 127, []string{
			"node1 agent-healthy failed: the agent is not installed", "  `ipfabric init --limit node1` installs it"}},
		{"no JSON", "hello", 0, []string{
			"node1 agent-healthy failed: the agent gives no answer: its status cannot be read: invalid character 'h' looking for beginning of value",
			"  what it says: ssh root@10.10.0.21 journalctl -u ipfabric-agent -n 50 --no-pager"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fleet := recorded(t, "healthy")
			fleet.hosts["node1"].Answers[askStatus] = tt.answer
			fleet.hosts["node1"].Status[askStatus] = tt.exit
			healthy := tt.name == "well" || tt.name == "warnings"
			expect(t, fleet.verify(t), healthy, tt.want...)
		})
	}
}

func TestVerifyLookingGlassDown(t *testing.T) {
	fleet := recorded(t, "core-down")
	fleet.hosts["mx1"].Status[steptest.Line(bgp.BIRDQuestion...)] = 1
	r := fleet.verify(t)
	want := []string{
		"mx1 reachable failed: the looking glass of mx1 (bird) gives no answer: exit status 1",
		"  to see it for yourself: ssh root@10.10.0.1 birdc -r show protocols all",
	}
	if diff := cmp.Diff(want, about(r, "mx1")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	want = []string{
		"rr1 mx1 ipv4-unicast failed: Connect at rr1 for 6s, last error: BFD down received; the looking glass of mx1 (bird) gives no answer",
		"  first mx1: why its looking glass gives no answer stands with its checks",
	}
	if diff := cmp.Diff(want, about(r, "rr1 mx1 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}
