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
		Fabric: "lab", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), NotAsked: []string{"mx1"},
		Hosts: []verify.HostReport{
			{Host: "rr1", Role: "route-reflector", Checks: []verify.Check{
				{Name: "reachable", Status: verify.OK}, {Name: "frr-running", Status: verify.OK}, {Name: "config-in-sync", Status: verify.Warn, Detail: "extra session with 10.9.9.9"}}},
			{Host: "node1", Role: "node", Checks: []verify.Check{
				{Name: "reachable", Status: verify.OK}, {Name: "frr-running", Status: verify.Bad, Detail: "bgpd does not run\nfor 2m", Hint: "ssh root@10.10.0.21 journalctl -u frr"},
				{Name: "config-in-sync", Status: verify.NotChecked, Detail: "frr-running failed"}, {Name: "agent-healthy", Status: verify.OK}}},
		},
		Sessions: []verify.Session{
			{RR: "rr1", Peer: "mx1", PeerRole: "core-gateway", Family: "ipv4-unicast", Status: verify.OK, Near: up("rr1", 0, 0), Far: verify.End{Host: "mx1"}},
			{RR: "rr1", Peer: "node1", PeerRole: "node", Family: "ipv4-unicast", Status: verify.Bad, Detail: "Active at rr1 for 2m", Hint: "node1 does not answer on 179/tcp", Cause: "node1 frr-running",
				Near: verify.End{Host: "rr1", Asked: true, State: "Active", Received: -1}, Far: verify.End{Host: "node1", Asked: true}},
			{RR: "rr1", Peer: "node2", PeerRole: "node", Family: "ipv6-unicast", Status: verify.OK, Near: up("rr1", 3, 2), Far: up("node2", -1, 7)},
		},
	}
}

const sampleFindings = `warning  rr1 config-in-sync: extra session with 10.9.9.9
failed  node1 frr-running: bgpd does not run
    for 2m
    because of this, 1 session is down
    ssh root@10.10.0.21 journalctl -u frr

not healthy: 2 hosts, 2 of 3 sessions up; mx1 was not asked
`

func TestReportForPeople(t *testing.T) {
	if d := cmp.Diff(sampleFindings, Report(sampleReport(), false, NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestReportWithAll(t *testing.T) {
	want := `HOST   ROLE             REACHABLE  FRR     CONFIG       AGENT
rr1    route-reflector  ok         ok      warning      -
node1  node             ok         failed  not-checked  ok

rr1
  PEER   FAMILY  STATUS  AT RR        AT PEER      UP     ACCEPTED
  mx1    ipv4    ok      Established  not asked    3m10s  0
  node1  ipv4    failed  Active       -            -      -
  node2  ipv6    ok      Established  Established  3m10s  2 of 3

`
	if d := cmp.Diff(want+sampleFindings, Report(sampleReport(), true, NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// What is well has a line or two.
func TestReportOfAHealthyFabric(t *testing.T) {
	r := &verify.Report{Healthy: true, Hosts: []verify.HostReport{{Host: "rr1"}, {Host: "node1"}}, Sessions: []verify.Session{{RR: "rr1", Peer: "node1", Status: verify.OK}}}
	for _, tt := range []struct {
		notAsked []string
		vms      []verify.VMCheck
		want     string
	}{
		{nil, nil, "healthy: 2 hosts, 1 of 1 session up\n"},
		{nil, []verify.VMCheck{vmOn("node1", "web", "announced", verify.OK, "")}, "1 VM, announced\nhealthy: 2 hosts, 1 of 1 session up\n"},
		{[]string{"core1"}, nil, "healthy as far as seen: core1 was not asked; 2 hosts, 1 of 1 session up\n"},
		{[]string{"rr2", "core1"}, nil, "healthy as far as seen: rr2 and core1 were not asked; 2 hosts, 1 of 1 session up\n"},
	} {
		r.NotAsked, r.VMs = tt.notAsked, tt.vms
		if d := cmp.Diff(tt.want, Report(r, false, NoStyle)); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

// The tables fit into a terminal's 80 characters, whatever the names and the states are.
func TestReportFitsIntoATerminal(t *testing.T) {
	long := strings.Repeat("hypervisor-", 5) + "node0001"
	for _, peer := range []string{"node1", "hypervisor-12", long} {
		r := sampleReport()
		r.Hosts[1].Host, r.Sessions[1].Peer = peer, peer
		r.Sessions[0].Status, r.Sessions[0].Family = verify.NotChecked, "l2vpn-evpn"
		r.Sessions[1].Near.State, r.Sessions[1].Far.State = "OpenConfirm", "OpenConfirm"
		r.Sessions[2].Near.Received, r.Sessions[2].Near.Accepted, r.Sessions[2].Near.UptimeSec = 100000, 10000, 100*24*3600-1
		tables, _, _ := strings.Cut(Report(r, true, NoStyle), "\nwarning  ")
		if !strings.Contains(tables, peer) {
			t.Errorf("%s is not there:\n%s", peer, tables)
		}
		for _, line := range strings.Split(tables, "\n") {
			if n := len([]rune(line)); n > 80 {
				t.Errorf("%d characters: %s", n, line)
			}
		}
	}
	r := sampleReport()
	r.Sessions[2].Peer = long
	if got := Report(r, true, NoStyle); !strings.Contains(got, "\n  "+long+"\n         ipv6    ok      Established") {
		t.Errorf("a long name:\n%s", got)
	}
}

// Hosts that differ in the same way have one command.
func TestReportOfHostsThatDiffer(t *testing.T) {
	r := &verify.Report{}
	for _, host := range []string{"rr1", "node1"} {
		r.Hosts = append(r.Hosts, verify.HostReport{Host: host, Checks: []verify.Check{{
			Name: "config-in-sync", Status: verify.Bad, Detail: "differs from the inventory: /etc/frr/frr.conf",
			Hint: "`ipfabric plan --limit " + host + "` shows the difference, `ipfabric init --limit " + host + "` removes it",
		}}})
	}
	wantText(t, "report", Report(r, false, NoStyle), "failed  rr1, node1 config-in-sync: differs from the inventory: /etc/frr/frr.conf\n"+
		"    `ipfabric plan --limit rr1,node1` shows the difference, `ipfabric init --limit rr1,node1` removes it\n\n")
}

// A session that is up counts as that, though routes are refused on it.
func TestReportCountsSessionsThatAreUp(t *testing.T) {
	up := verify.End{State: "Established", Negotiated: true}
	r := &verify.Report{Sessions: []verify.Session{{Status: verify.Bad, Near: up, Far: up}, {Status: verify.Bad, Near: up}, {Status: verify.OK}, {Status: verify.NotChecked}}}
	wantText(t, "report", Report(r, false, NoStyle), "2 of 4 sessions up")
}

// Sessions for which there is the same to do are one finding.
func TestReportTellsACauseOnce(t *testing.T) {
	r := &verify.Report{
		Hosts: []verify.HostReport{
			{Host: "node1", Checks: []verify.Check{{Name: "reachable", Status: verify.Bad, Detail: "jump1 refused the connection"}, {Name: "frr-running", Status: verify.NotChecked}}},
			{Host: "node2", Checks: []verify.Check{{Name: "reachable", Status: verify.Bad, Detail: "jump1 refused the connection"}}},
		},
		VMs: []verify.VMCheck{vmOn("node1", "web", "announced", verify.Bad, "rr1 has no route to it")},
	}
	r.VMs[0].Cause = "node1 reachable"
	for i, peer := range []string{"node1", "node2", "node1", "node2"} {
		r.Sessions = append(r.Sessions, verify.Session{RR: "rr1", Peer: peer, Family: "ipv4-unicast", Status: verify.Bad, Cause: peer + " reachable"})
		if i > 1 {
			r.Sessions[i].Status = verify.NotChecked
		}
	}
	for _, rr := range []string{"rr1", "rr2", "rr3"} {
		for _, family := range []string{"ipv4-unicast", "ipv6-unicast"} {
			r.Sessions = append(r.Sessions, verify.Session{RR: rr, Peer: "mx1", Family: family, Status: verify.Bad, Detail: "mx1 accepts 0 of the 5 prefixes that " + rr + " sends", Hint: "is the import policy right?"})
		}
	}
	want := `failed  node1, node2 reachable: jump1 refused the connection
    because of this, 2 sessions are down, 2 sessions are not checked and 1 VM lacks routes
failed  rr1 – mx1 ipv4-unicast, rr1 – mx1 ipv6-unicast: mx1 accepts 0 of the 5 prefixes that rr1 sends
    likewise rr2 – mx1 ipv4-unicast, rr2 – mx1 ipv6-unicast, rr3 – mx1 ipv4-unicast, rr3 – mx1 ipv6-unicast
    is the import policy right?

1 VM: 1 failed
not healthy: 2 hosts, 0 of 10 sessions up
`
	if d := cmp.Diff(want, Report(r, false, NoStyle)); d != "" {
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
	for seconds, want := range map[int64]string{5: "5s", 3599: "59m59s", 3600: "1h0m", 90000: "1d1h", 8640000: "100d"} {
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
