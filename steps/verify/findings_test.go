package verify

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/vms"
)

// told lists the findings as they are told: "failed rr1 frr-running +12 down".
func told(r *Report) []string {
	var out []string
	for _, f := range r.Findings() {
		name := strings.Join(f.Names, ", ")
		if f.VM != nil {
			name = "vm " + f.VM.VM
		}
		line := fmt.Sprintf("%s %s", f.Status, name)
		if f.Effects != (Effects{}) {
			line += fmt.Sprintf(" %+v", f.Effects)
		}
		out = append(out, line)
	}
	return out
}

// FRR that was stopped on a reflector is one problem, and not one for each of its sessions.
func TestFindingsOfAReflectorWithoutFRR(t *testing.T) {
	fleet := recorded(t, "healthy")
	rr1 := fleet.hosts["rr1"]
	rr1.Answers[askUnit] = strings.ReplaceAll(unitRuns, "active", "inactive")
	for q := range rr1.Answers {
		if strings.Contains(q, "vtysh") || strings.Contains(q, ".sh") {
			rr1.Answers[q], rr1.Status[q] = "", 1
		}
	}
	for _, name := range []string{"rr2", "node1", "node2"} { // as they saw it a moment later
		down(fleet.hosts[name], "10.10.0.11", "fd00:10::11")
	}
	r := fleet.verify(t)
	got := slices.DeleteFunc(told(r), func(s string) bool { return !strings.HasPrefix(s, "failed") })
	if len(got) != 1 || !strings.HasPrefix(got[0], "failed rr1 frr-running {Down:") {
		t.Errorf("%q", got)
	}
	for _, s := range r.Sessions {
		if s.Status != OK && (s.RR == "rr1") != (s.Cause == "rr1 frr-running") {
			t.Errorf("%s: cause %q", s.Name(), s.Cause)
		}
	}
}

// down makes a router say that its sessions with these neighbors are down.
func down(h *steptest.Host, neighbors ...string) {
	for q, a := range h.Answers {
		for _, n := range neighbors {
			before, after, ok := step.CutLast(a, `"`+n+`":{`) // the summary before has no state in words
			if ok {
				a = before + `"` + n + `":{` + strings.Replace(after, `"bgpState":"Established"`, `"bgpState":"Active"`, 1)
			}
		}
		h.Answers[q] = a
	}
}

// A host that cannot be reached explains its sessions, those that are down and
// those that nobody can judge.
func TestFindingsOfAHostThatIsDown(t *testing.T) {
	fleet := recorded(t, "bgpd-killed")
	fleet.down["node2"] = refused{}
	r := fleet.verify(t)
	got := slices.DeleteFunc(told(r), func(s string) bool { return !strings.HasPrefix(s, "failed") })
	if diff := cmp.Diff([]string{"failed node2 reachable {Down:3 Unchecked:3 Warned:0 VMsMissing:0 VMsUnchecked:0}"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r.Problems() != 1 {
		t.Errorf("%d problems", r.Problems())
	}

	// Hosts behind a jump host that is down share it.
	r = &Report{Hosts: []HostReport{
		{Host: "node1", Checks: []Check{{Name: "reachable", Status: Bad, Detail: "jump1 is down"}}},
		{Host: "node2", Checks: []Check{{Name: "reachable", Status: Bad, Detail: "jump1 is down"}}},
	}, Sessions: []Session{{Status: Bad, Cause: "node1 reachable"}, {Status: NotChecked, Cause: "node2 reachable"}}}
	if got := told(r); len(got) != 1 || !strings.HasPrefix(got[0], "failed node1 reachable, node2 reachable {Down:1 Unchecked:1") {
		t.Errorf("%q", got)
	}
}

// Families of one session that is down are one problem, and its VMs follow from it.
func TestFindingsOfASessionThatIsDown(t *testing.T) {
	r := recorded(t, "shutdown").verify(t)
	if got := told(r); len(got) == 0 || !strings.HasPrefix(got[0], "failed rr1 – node1 ipv4-unicast, rr1 – node1 l2vpn-evpn") {
		t.Errorf("%q", got)
	}
	web := VMCheck{VM: "web", Node: "node1", State: "announced", Status: Bad, IPv4: netip.MustParseAddr("203.0.113.1"),
		Seen: []vms.Seen{{RR: "rr1", Status: vms.SeenNo}, {RR: "rr2", Status: vms.SeenYes}}}
	r.VMs = []VMCheck{web}
	r.explainVMs()
	if got := r.VMs[0].Cause; got != "rr1 – node1 ipv4-unicast" {
		t.Errorf("cause of a VM that rr1 lacks: %q", got)
	}
	// What explains the session explains the VM.
	i := slices.IndexFunc(r.Sessions, func(s Session) bool { return s.Name() == "rr1 – node1 ipv4-unicast" })
	r.Sessions[i].Cause = "rr1 frr-running"
	r.VMs = []VMCheck{web}
	r.explainVMs()
	if got := r.VMs[0].Cause; got != "rr1 frr-running" {
		t.Errorf("cause of a VM whose session has a cause: %q", got)
	}
	// That rr2 lacks it as well has another cause.
	web.Seen[1].Status = vms.SeenNo
	r.VMs = []VMCheck{web}
	r.explainVMs()
	if got := r.VMs[0].Cause; got != "" {
		t.Errorf("cause of a VM that rr1 and rr2 lack: %q", got)
	}
}

// With a limit, what a host outside of it explains is a problem of its own.
func TestOnlySomeHosts(t *testing.T) {
	fleet := recorded(t, "bgpd-killed")
	fleet.down["node2"] = refused{}
	fleet.f = verifyFabric(t, func(s string) string { return strings.Replace(s, "looking_glass: bird", "looking_glass: none", 1) })
	r := fleet.verify(t)
	if diff := cmp.Diff([]string{"mx1"}, r.NotAsked); diff != "" {
		t.Errorf("not asked (-want +got):\n%s", diff)
	}
	rr1 := r.Only([]string{"rr1"}, nil)
	if rr1.Healthy || rr1.Problems() == 0 || len(rr1.Hosts) != 1 || len(rr1.NotAsked) != 1 {
		t.Errorf("rr1: healthy %t, %q", rr1.Healthy, told(rr1))
	}
	if node1 := r.Only([]string{"node1"}, nil); !node1.Healthy || len(node1.NotAsked) != 0 {
		t.Errorf("node1: healthy %t, not asked: %q", node1.Healthy, node1.NotAsked)
	}
	if r.Sessions[len(r.Sessions)-1].Cause == "" {
		t.Error("the whole report has lost its causes")
	}
}

// A route that was on its way when the two ends were asked is no finding; one
// that stays refused has failed.
func TestVerifyLooksAgainAtRefusedRoutes(t *testing.T) {
	for _, scenario := range []string{"filtered", "core-filtered"} {
		wrong := recorded(t, scenario)
		later := recorded(t, "healthy")
		if wrong.verify(t).Healthy {
			t.Errorf("%s: healthy though it stays", scenario)
		}
		expect(t, verify(t.Context(), wrong.f, changing(wrong, later), nil, nil, 0), true)
	}
}
