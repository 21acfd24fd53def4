package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/vms"
)

// A fakeFleet is the fabric of testdata, whose routers say what real
// ones said; README.md there tells how that was recorded.
type fakeFleet struct {
	f     *inventory.Fabric
	hosts map[string]*steptest.Host
	down  map[string]error
	steps map[string][]step.Step
}

const (
	askUnit    = "systemctl show frr.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID"
	askDaemons = "timeout 8 vtysh -c show daemons -c show running-config"
	askStatus  = agent.Path + " status --json"
	askVMList  = agent.Path + " vm list --json --protocol 1"
	unitRuns   = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"
	agentWell  = `{"version":"v1","protocol":1,"healthy":true,"problems":[],"warnings":[]}`
)

// recorded returns the healthy fabric, with the hosts that were recorded in a
// scenario as they were in it.
func recorded(t *testing.T, scenario string) *fakeFleet {
	t.Helper()
	fleet := &fakeFleet{f: verifyFabric(t, nil), hosts: map[string]*steptest.Host{}, down: map[string]error{}, steps: map[string][]step.Step{}}
	for _, h := range fleet.f.Hosts() {
		host := &steptest.Host{Answers: map[string]string{}, Status: map[string]int{}}
		fleet.hosts[h.Name] = host
		if h.Role == inventory.RoleCoreGateway {
			host.Answers[steptest.Line(bgp.BIRDQuestion...)] = recording(t, scenario, h.Name+".birdc")
			continue
		}
		neighbors := recording(t, scenario, h.Name+".vtysh")
		host.Answers[steptest.Line(bgp.Question...)] = neighbors
		host.Answers[askUnit] = unitRuns
		setDaemons(host, " zebra bgpd bfdd watchfrr staticd\n", 0)
		if h.Role == inventory.RoleRouteReflector {
			question := steptest.Line(bgp.ReflectorQuestion(fleet.f, h.Host)...)
			host.Answers[question] = steptest.Pack(t, neighbors+recording(t, scenario, h.Name+".routes"))
			continue
		}
		host.Answers[askStatus] = agentWell
		if status := recording(t, scenario, h.Name+".status"); status != "" {
			host.Answers[askStatus] = status
		}
		host.Answers[askVMList] = recording(t, scenario, h.Name+".vms")
	}
	return fleet
}

// recording returns what was recorded in a scenario, or else in the healthy
// fabric, "" if neither was.
func recording(t testing.TB, scenario, file string) string {
	t.Helper()
	for _, folder := range []string{scenario, "healthy"} {
		text, err := os.ReadFile(filepath.Join("testdata", folder, file))
		if err == nil {
			return string(text)
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return ""
}

// setDaemons sets which daemons answer. Steps ask for them in one breath with
// the running configuration.
func setDaemons(h *steptest.Host, line string, status int) {
	for _, q := range []string{"vtysh -c show daemons", "timeout 8 vtysh -c show daemons -c show running-config"} {
		h.Answers[q], h.Status[q] = line, status
	}
}

// verifyFabric reads testdata/fabric.yaml, changed by edit.
func verifyFabric(t testing.TB, edit func(string) string) *inventory.Fabric {
	t.Helper()
	text, err := os.ReadFile("testdata/fabric.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		text = []byte(edit(string(text)))
	}
	f, _, err := inventory.Parse("fabric.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	env := func(string) (string, bool) { return "s3cret", true }
	if err := f.ReadSecrets(env, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	return f
}

func (fl *fakeFleet) connect(_ context.Context, name string) (step.Host, error) {
	if err := fl.down[name]; err != nil {
		return nil, err
	}
	h, ok := fl.hosts[name]
	if !ok {
		return nil, fmt.Errorf("the test has no host %s", name)
	}
	return h, nil
}

func (fl *fakeFleet) verify(t *testing.T) *Report {
	t.Helper()
	return verify(t.Context(), fl.f, fl.connect, fl.steps, nil, 0)
}

// findings lists everything of a report that is not OK: what, status, detail,
// hint, a line each.
func findings(r *Report) []string {
	var out []string
	add := func(name string, status Status, detail, hint string) {
		if status != OK {
			out = append(out, fmt.Sprintf("%s %s: %s", name, status, detail))
			if hint != "" {
				out = append(out, "  "+hint)
			}
		}
	}
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			add(h.Host+" "+c.Name, c.Status, c.Detail, c.Hint)
		}
	}
	for _, s := range r.Sessions {
		add(s.RR+" "+s.Peer+" "+s.Family, s.Status, s.Detail, s.Hint)
	}
	for _, v := range r.VMs {
		add(strings.TrimSpace("vm "+v.VM)+" on "+v.Node, v.Status, v.Detail, v.Hint)
	}
	return out
}

// about returns the findings of some hosts or sessions: those whose line begins
// so, with their hints.
func about(r *Report, prefix string) []string {
	var out []string
	take := false
	for _, line := range findings(r) {
		if !strings.HasPrefix(line, "  ") {
			take = strings.HasPrefix(line, prefix)
		}
		if take {
			out = append(out, line)
		}
	}
	return out
}

// expect compares the findings, and whether they make the fabric unhealthy.
func expect(t *testing.T, r *Report, healthy bool, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, findings(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if r.Healthy != healthy {
		t.Errorf("Healthy is %v", r.Healthy)
	}
}

// One fabric of FRR 7.5.1 (node2), 8.4.4 (rr1, node1), 10.3 (rr2) and BIRD
// 2.0.12 (mx1).
func TestVerifyHealthy(t *testing.T) {
	r := recorded(t, "healthy").verify(t)
	expect(t, r, true)
	if r.Problems() != 0 {
		t.Errorf("Problems: %d", r.Problems())
	}

	var checks []string
	for _, h := range r.Hosts {
		var names []string
		for _, c := range h.Checks {
			names = append(names, c.Name)
		}
		checks = append(checks, h.Host+" "+h.Role+": "+strings.Join(names, " "))
	}
	if diff := cmp.Diff([]string{
		"rr1 route-reflector: reachable frr-running config-in-sync",
		"rr2 route-reflector: reachable frr-running config-in-sync",
		"mx1 core-gateway: reachable",
		"node1 node: reachable frr-running config-in-sync agent-healthy",
		"node2 node: reachable frr-running config-in-sync agent-healthy",
	}, checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}

	var sessions []string
	for _, s := range r.Sessions {
		sessions = append(sessions, fmt.Sprintf("%s %s %s %d/%d %d/%d", s.RR, s.Peer, s.Family,
			s.Near.Accepted, s.Near.Received, s.Far.Accepted, s.Far.Received))
		if s.Near.UptimeSec == 0 || s.Far.UptimeSec == 0 || !s.Near.Negotiated || !s.Far.Negotiated {
			t.Errorf("%s %s %s: %+v %+v", s.RR, s.Peer, s.Family, s.Near, s.Far)
		}
	}
	// A reflector sends a node's own routes back to it, which drops them.
	if diff := cmp.Diff([]string{
		"rr1 rr2 ipv4-unicast 5/5 5/5", "rr1 rr2 ipv6-unicast 5/5 5/5", "rr1 rr2 l2vpn-evpn 0/0 0/0",
		"rr1 mx1 ipv4-unicast 0/0 5/5", "rr1 mx1 ipv6-unicast 0/0 5/5",
		"rr1 node1 ipv4-unicast 3/3 2/5", "rr1 node1 ipv6-unicast 3/3 2/5", "rr1 node1 l2vpn-evpn 0/0 0/0",
		"rr1 node2 ipv4-unicast 2/2 3/5", "rr1 node2 ipv6-unicast 2/2 3/5", "rr1 node2 l2vpn-evpn 0/0 0/0",
		"rr2 mx1 ipv4-unicast 0/0 5/5", "rr2 mx1 ipv6-unicast 0/0 5/5",
		"rr2 node1 ipv4-unicast 3/3 2/5", "rr2 node1 ipv6-unicast 3/3 2/5", "rr2 node1 l2vpn-evpn 0/0 0/0",
		"rr2 node2 ipv4-unicast 2/2 3/5", "rr2 node2 ipv6-unicast 2/2 3/5", "rr2 node2 l2vpn-evpn 0/0 0/0",
	}, sessions); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}

// A run over many hosts must stay cheap: one question for each thing, and one
// more that puts them together.
func TestVerifyAsksFewQuestions(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.verify(t)
	for name, most := range map[string]int{"rr1": 4, "mx1": 1, "node1": 6} {
		log := fleet.hosts[name].Log
		slices.Sort(log)
		if len(log) > most || len(slices.Compact(log)) != len(log) {
			t.Errorf("%s was asked: %q", name, log)
		}
	}
}

// The example in the documentation is a report, and no field is missing there.
func TestVerifyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(doc), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	dec := json.NewDecoder(strings.NewReader(example))
	dec.DisallowUnknownFields()
	var r Report
	if err := dec.Decode(&r); err != nil {
		t.Errorf("the example: %v", err)
	}
	for _, v := range []any{Report{}, HostReport{}, Check{}, Session{}, End{}, VMCheck{}, vms.Seen{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !regexp.MustCompile(`\b` + name + `\b`).Match(doc) {
				t.Errorf("docs/verify.md does not name %s", name)
			}
		}
	}
	for _, s := range []Status{OK, Warn, Bad, NotChecked} {
		if !strings.Contains(string(doc), "`"+string(s)+"`") {
			t.Errorf("docs/verify.md does not name the status %s", s)
		}
	}
}

// A core gateway may be another team's. It gets no password before the fabric's own hosts have had their turn.
func TestVerifyConnectsToCoreGatewaysLast(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.down["node2"] = errors.New("node2 (10.0.0.22:22) did not answer within 10s")
	var mu sync.Mutex
	pending, begun := 0, make(chan struct{}) // connections to other hosts; closed when all of them are being made
	for _, h := range fleet.f.Hosts() {
		if h.Role != inventory.RoleCoreGateway {
			pending++
		}
	}
	waiting, early := pending, []string{}
	connect := func(ctx context.Context, name string) (step.Host, error) {
		if h, _ := fleet.f.Host(name); h.Role == inventory.RoleCoreGateway {
			mu.Lock()
			defer mu.Unlock()
			if pending > 0 {
				early = append(early, name)
			}
			return fleet.connect(ctx, name)
		}
		mu.Lock()
		if waiting--; waiting == 0 {
			close(begun)
		}
		mu.Unlock()
		<-begun
		mu.Lock()
		defer mu.Unlock()
		pending--
		return fleet.connect(ctx, name)
	}
	r := verify(t.Context(), fleet.f, connect, fleet.steps, nil, 0)
	if len(early) > 0 {
		t.Errorf("connected to %q while other hosts were still being connected to", early)
	}
	if i := slices.IndexFunc(r.Hosts, func(h HostReport) bool { return h.Role == inventory.RoleCoreGateway }); r.Hosts[i].Checks[0].Status != OK {
		t.Errorf("the core gateway was not asked: %+v", r.Hosts[i])
	}
}
