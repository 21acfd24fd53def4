package ui

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/verify"
)

func sampleReport() *verify.Report {
	up := func(host string, received, accepted int) verify.End {
		return verify.End{Host: host, Asked: true, State: "Established", Negotiated: true, UptimeSec: 190, Received: received, Accepted: accepted}
	}
	return &verify.Report{
		Fabric: "lab", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Hosts: []verify.HostReport{
			{Host: "rr1", Role: "route-reflector", Checks: []verify.Check{
				{Name: "reachable", Status: verify.OK}, {Name: "frr-running", Status: verify.OK}, {Name: "config-in-sync", Status: verify.Warn, Detail: "extra session with 10.9.9.9"}}},
			{Host: "node1", Role: "node", Checks: []verify.Check{
				{Name: "reachable", Status: verify.OK}, {Name: "frr-running", Status: verify.Bad, Detail: "bgpd does not run\nfor 2m", Hint: "ssh root@10.10.0.21 journalctl -u frr"},
				{Name: "config-in-sync", Status: verify.NotChecked, Detail: "frr-running failed"}, {Name: "agent-healthy", Status: verify.OK}}},
		},
		Sessions: []verify.Session{
			{RR: "rr1", Peer: "mx1", PeerRole: "core-gateway", Family: "ipv4-unicast", Status: verify.OK, Near: up("rr1", 0, 0), Far: verify.End{Host: "mx1"}},
			{RR: "rr1", Peer: "node1", PeerRole: "node", Family: "ipv4-unicast", Status: verify.Bad, Detail: "Active at rr1 for 2m", Hint: "node1 does not answer on 179/tcp",
				Near: verify.End{Host: "rr1", Asked: true, State: "Active", Received: -1}, Far: verify.End{Host: "node1", Asked: true}},
			{RR: "rr1", Peer: "node2", PeerRole: "node", Family: "ipv6-unicast", Status: verify.OK, Near: up("rr1", 3, 2), Far: up("node2", -1, 7)},
		},
	}
}

func TestReportForPeople(t *testing.T) {
	want := `HOST   ROLE             REACHABLE  FRR RUNNING  CONFIG IN SYNC  AGENT HEALTHY
rr1    route-reflector  ok         ok           warning         -
node1  node             ok         failed       not-checked     ok

rr1
  PEER   FAMILY        STATUS  AT RR1       AT PEER      UPTIME  RECEIVED  ACCEPTED
  mx1    ipv4-unicast  ok      Established  not asked    3m10s   0         0
  node1  ipv4-unicast  failed  Active       -            -       -         -
  node2  ipv6-unicast  ok      Established  Established  3m10s   3         2

warning  rr1 config-in-sync: extra session with 10.9.9.9
failed  node1 frr-running: bgpd does not run
    for 2m
    ssh root@10.10.0.21 journalctl -u frr
failed  rr1 – node1 ipv4-unicast: Active at rr1 for 2m
    node1 does not answer on 179/tcp

not healthy: 2 hosts, 2 of 3 sessions up
`
	if d := cmp.Diff(want, Report(sampleReport(), NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestTableCountsLettersNotColours(t *testing.T) {
	tab := &Table{}
	tab.Head("A", "B")
	tab.Row(Cell{"Zürich", red}, Cell{"x", Plain})
	tab.Row(Cell{"Rome", green}, Cell{"y", Plain})
	paint := func(c Style, s string) string { return "<" + s + ">" }
	want := "<A>       <B>\n<Zürich>  <x>\n<Rome>    <y>\n"
	if got := tab.Render(paint); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestUptime(t *testing.T) {
	for seconds, want := range map[int64]string{5: "5s", 3600: "1h0m0s", 90000: "1d1h", 8640000: "100d0h"} {
		if got := uptime(verify.End{State: "Established", UptimeSec: seconds}); got != want {
			t.Errorf("%d s: %s, want %s", seconds, got, want)
		}
	}
}

func TestJUnit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "verify.xml")
	if err := WriteJUnit(file, sampleReport(), &Masker{}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "JUnit", string(data),
		`<testsuites name="ipfabric verify lab" tests="10" failures="2" skipped="1">`,
		`<testsuite name="node node1" timestamp="2026-03-01T12:00:00" tests="4" failures="1" skipped="1">`,
		`<testcase classname="node1" name="frr-running">`,
		`<failure message="bgpd does not run&#xA;for 2m">bgpd does not run&#xA;for 2m&#xA;ssh root@10.10.0.21 journalctl -u frr</failure>`,
		`<skipped message="frr-running failed">`,
		`<testsuite name="sessions of rr1"`,
		`<system-out>warning: extra session with 10.9.9.9</system-out>`)
	var back junitSuites
	if err := xml.Unmarshal(data, &back); err != nil || len(back.Suites) != 3 {
		t.Errorf("%v: %+v", err, back)
	}
	// No temporary file stays, and no half of the report where it cannot be.
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), ".*")); len(left) > 0 {
		t.Errorf("left: %s", left)
	}
	if err := WriteJUnit(filepath.Join(t.TempDir(), "none", "verify.xml"), sampleReport(), &Masker{}); err == nil || !strings.Contains(err.Error(), "JUnit") {
		t.Errorf("a missing folder: %v", err)
	}
}

func wantText(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s has no %q:\n%s", what, p, got)
		}
	}
}
