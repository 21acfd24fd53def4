package verify

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/bgp"
	"ipfabric/steps/step/steptest"
)

// What each kind of trouble looks like to an operator, from what real routers
// said in it.
func TestVerifySessions(t *testing.T) {
	tests := []struct {
		scenario string
		about    string // "" is all that was found
		healthy  bool
		want     []string
	}{
		{"family-missing", "", false, []string{ // Established, and show bgp summary json calls the peer OK
			"rr1 node2 l2vpn-evpn failed: established, but l2vpn-evpn was not negotiated: node2 does not offer it",
			"  `ipfabric plan --limit node2` shows what node2 lacks, `ipfabric init --limit node2` adds it",
			"rr2 node2 l2vpn-evpn failed: established, but l2vpn-evpn was not negotiated: node2 does not offer it",
			"  `ipfabric plan --limit node2` shows what node2 lacks, `ipfabric init --limit node2` adds it",
		}},
		{"not-negotiated", "rr1 node2", false, []string{ // no other family either: FRR 8.4 then refuses the session
			"rr1 node2 ipv6-unicast failed: Idle at rr1 for 13s, last error: OPEN Message Error/Unsupported Capability (sent); Idle at node2 for 13s, last error: OPEN Message Error/Unsupported Capability (sent)",
			"  the two ends have no address family in common: `ipfabric plan --limit rr1,node2` compares with the inventory",
		}},
		{"wrong-password", "rr1 node1 ipv4", false, []string{
			"rr1 node1 ipv4-unicast failed: Connect at rr1 for 20s, last error: Cease/Other Configuration Change (received); Connect at node1 for 20s, last error: Cease/Other Configuration Change (sent)",
			"  BFD is up, so packets pass: is the BGP password the same on both ends, and 179/tcp open? `ipfabric plan --limit rr1,node1` compares with the inventory",
		}},
		{"wrong-password", "rr2 node1 ipv4", false, []string{ // rr2 as before: the ends disagree
			"rr2 node1 ipv4-unicast failed: Established at rr2; Connect at node1 for 20s, last error: Cease/Other Configuration Change (sent)",
			"  one end has not noticed yet what the other has: look again after the hold time of 30s",
		}},
		{"shutdown", "", false, []string{
			"rr1 node1 ipv4-unicast failed: Active at rr1 for 8s, last error: Cease/Administrative Shutdown (received); shut down at node1",
			"  this session was shut down by hand on node1; `ipfabric init --limit node1` lets it come up again",
			"rr1 node1 l2vpn-evpn failed: Active at rr1 for 8s, last error: Cease/Administrative Shutdown (received); shut down at node1",
			"  this session was shut down by hand on node1; `ipfabric init --limit node1` lets it come up again",
		}},
		{"wrong-as", "rr2 node1", false, []string{
			"rr2 node1 ipv6-unicast failed: Idle at rr2 for 12s, last error: OPEN Message Error/Bad Peer AS (received); Idle at node1 for 12s, last error: OPEN Message Error/Bad Peer AS (sent)",
			"  the two ends have different AS numbers: `ipfabric plan --limit rr2,node1` compares with the inventory",
		}},
		{"max-prefix", "rr1 node1 ipv4", false, []string{
			"rr1 node1 ipv4-unicast failed: Idle at rr1 for 8s, last error: Cease/Maximum Number of Prefixes Reached (sent); Active at node1 for 8s, last error: Cease/Maximum Number of Prefixes Reached (received)",
			"  more prefixes came in than bgp.max_prefixes (from a node) or bgp.core_max_prefixes of the inventory allows; if so many are right, raise it, and `ipfabric init` has FRR try again at once; else FRR tries again after 5 minutes",
		}},
		{"link-down", "rr2 node1 ipv6", false, []string{ // the host is reached by another way
			"rr2 node1 ipv6-unicast failed: Idle at rr2 for 44s, last error: Cease/BFD Down (sent); Active at node1 for 44s, last error: no route to the neighbor",
			"  is the link of node1 up? ssh root@10.10.0.21 ip route get fd00:10::12",
		}},
		{"rr2-stuck-idle", "rr2 node2 ipv6", false, []string{
			"rr2 node2 ipv6-unicast failed: Idle at rr2 for 30s, last error: Peer closed the session; Active at node2, never up",
			"  if node2 answers pings again, FRR on rr2 is stuck: some releases of FRR 10 leave a session Idle for good once BFD went down; `ipfabric init --limit rr2` takes BFD away there, and the session comes up",
		}},
		{"core-alone", "rr2 mx1 ipv6", false, []string{
			"rr2 mx1 ipv6-unicast failed: Established at rr2; shut down at mx1",
			"  this session was disabled by hand on mx1: enable it there",
		}},
		{"extra-missing", "", false, []string{
			"rr1 node2 ipv4-unicast failed: rr1 has no neighbor 10.10.0.22; Connect at node2 for 10s, last error: BFD down received",
			"  `ipfabric plan --limit rr1` shows what rr1 lacks, `ipfabric init --limit rr1` adds it",
			"rr1 node2 l2vpn-evpn failed: rr1 has no neighbor 10.10.0.22; Connect at node2 for 10s, last error: BFD down received",
			"  `ipfabric plan --limit rr1` shows what rr1 lacks, `ipfabric init --limit rr1` adds it",
			"rr1 10.10.0.99 ipv4-unicast warning: rr1 has the neighbor 10.10.0.99, which it should not have (Connect)",
			"  `ipfabric init --limit rr1` removes it; if it is meant to be there, put it into frr.extra of the inventory; ssh root@10.10.0.11 \"vtysh -c 'show bgp neighbors 10.10.0.99'\"",
			"rr1 10.10.0.99 l2vpn-evpn warning: rr1 has the neighbor 10.10.0.99, which it should not have (Connect)",
			"  `ipfabric init --limit rr1` removes it; if it is meant to be there, put it into frr.extra of the inventory; ssh root@10.10.0.11 \"vtysh -c 'show bgp neighbors 10.10.0.99'\"",
		}},
		{"filtered", "rr1", false, []string{
			"rr1 node1 ipv4-unicast failed: rr1 accepts 3 of the 5 prefixes that node1 sends",
			"  a VM's address outside the pools, or a route without the fabric's community, is filtered; what node1 announces: ssh root@10.10.0.21 \"vtysh -c 'show bgp ipv4 unicast neighbors 10.10.0.11 advertised-routes'\"",
		}},
		{"core-filtered", "rr1 mx1 ipv6", false, []string{
			"rr1 mx1 ipv6-unicast failed: mx1 accepts 0 of the 5 prefixes that rr1 sends",
			"  no traffic from outside reaches the VMs by this way; is the import policy of mx1 the one that `ipfabric gateway mx1` prints?",
		}},
		{"bfdd-killed", "rr1 mx1 ipv4", true, []string{
			"rr1 mx1 ipv4-unicast warning: BFD is down at rr1: a failure is noticed after the hold time of 30s only",
			"  do 3784/udp and 4784/udp pass between rr1 and mx1, and is BFD set up on both? ssh root@10.10.0.11 \"vtysh -c 'show bfd peers'\"",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.scenario+" "+tt.about, func(t *testing.T) {
			r := recorded(t, tt.scenario).verify(t)
			if diff := cmp.Diff(tt.want, about(r, tt.about)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if tt.scenario != "bfdd-killed" && r.Healthy != tt.healthy {
				t.Errorf("Healthy is %v", r.Healthy)
			}
		})
	}
}

// An FRR that is no good at BFD has none (frrbfd.go): that the other end's stays
// down is no finding.
func TestVerifyBFDAtOneEnd(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.editAnswer(t, "rr1", func(s string) string {
		s = strings.ReplaceAll(s, `"status":"Up"`, `"status":"Down"`)
		return regexp.MustCompile(`"bgpTimerUpMsec":\d+`).ReplaceAllString(s, `"bgpTimerUpMsec":60000`)
	})
	if got := about(fleet.verify(t), "rr1 rr2 ipv4"); len(got) == 0 || !strings.Contains(got[0], "BFD is down at rr1") {
		t.Errorf("with BFD at both ends: %q", got)
	}
	fleet.editAnswer(t, "rr2", func(s string) string { return strings.ReplaceAll(s, "peerBfdInfo", "none") })
	r := fleet.verify(t)
	if got := about(r, "rr1 rr2"); len(got) > 0 {
		t.Errorf("with BFD at rr1 only: %q", got)
	}
	if got := about(r, "rr1 node1 ipv4"); len(got) == 0 {
		t.Error("BFD that is down at rr1 and set up at node1 is no finding")
	}
}

// How long a session has been down is right after more than a day, too.
func TestVerifyAges(t *testing.T) {
	fleet := recorded(t, "shutdown")
	fleet.editAnswer(t, "rr1", func(s string) string {
		return strings.ReplaceAll(s, `"peerUptimeMsec":8000`, `"peerUptimeMsec":180000000`)
	})
	got := about(fleet.verify(t), "rr1 node1 ipv4")
	if len(got) == 0 || !strings.Contains(got[0], "Active at rr1 for 2d2h") {
		t.Errorf("got %q", got)
	}
}

func TestVerifyUnmanagedReflector(t *testing.T) {
	fleet := recorded(t, "rr2-stuck-idle")
	fleet.f = verifyFabric(t, func(s string) string {
		return strings.Replace(s, `"fd00:10::12"]`, `"fd00:10::12"], managed: false`, 1)
	})
	fleet.down["rr2"] = errors.New("rr2 must not be connected")
	r := fleet.verify(t)
	if got := r.Hosts[1]; got.Host != "rr2" || got.Checks == nil || len(got.Checks) != 0 {
		t.Errorf("rr2: %+v", got)
	}
	want := []string{
		"rr2 node2 ipv4-unicast failed: Active at node2, never up",
		"  rr2 is not managed by ipfabric: look there at its neighbor 10.10.0.22",
	}
	if diff := cmp.Diff(want, about(r, "rr2 node2 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	var n int
	for _, s := range r.Sessions {
		if s.RR == "rr2" || s.Peer == "rr2" {
			n++
			end := s.Near
			if s.Peer == "rr2" {
				end = s.Far
			}
			if end.Asked || end.State != "" || end.Received != -1 {
				t.Errorf("rr2's end of %s-%s: %+v", s.RR, s.Peer, end)
			}
		}
	}
	if n != 3+2+3+3 {
		t.Errorf("%d sessions of rr2", n)
	}
}

func TestVerifyWithoutLookingGlass(t *testing.T) {
	fleet := recorded(t, "core-down")
	fleet.f = verifyFabric(t, func(s string) string { return strings.Replace(s, "looking_glass: bird", "looking_glass: none", 1) })
	fleet.down["mx1"] = errors.New("mx1 must not be connected")
	r := fleet.verify(t)
	want := []string{
		"rr1 mx1 ipv4-unicast failed: Connect at rr1 for 6s, last error: BFD down received",
		"  `ipfabric gateway mx1` prints the configuration that mx1 needs, `show bgp neighbor 10.10.0.11` there says what it sees",
	}
	if diff := cmp.Diff(want, about(r, "rr1 mx1 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// One that cannot be asked is a problem of its own. The sessions with it are judged as those of a core
// gateway that has none.
func TestVerifyLookingGlassThatCannotBeAsked(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.down["mx1"] = errors.New("mx1 refused the login of ops")
	r := fleet.verify(t)
	if got := r.Problems(); got != 1 || r.Healthy {
		t.Errorf("%d problems, healthy: %t", got, r.Healthy)
	}
	for _, s := range r.Sessions {
		if s.Status != OK || s.Peer == "mx1" && (!s.Far.Asked || s.Far.State != "") {
			t.Errorf("%s – %s: %+v", s.RR, s.Peer, s)
		}
	}
}

// Nobody can say anything about a session between two routers that are not
// asked, so it is not listed.
func TestVerifyLeavesOutWhatNobodySees(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.f = verifyFabric(t, func(s string) string {
		s = strings.Replace(s, "looking_glass: bird", "looking_glass: none", 1)
		return strings.Replace(s, `"fd00:10::12"]`, `"fd00:10::12"], managed: false`, 1)
	})
	r := fleet.verify(t)
	for _, s := range r.Sessions {
		if s.RR == "rr2" && s.Peer == "mx1" {
			t.Errorf("listed: %+v", s)
		}
	}
	expect(t, r, true)
}

func TestVerifyLookingGlassFRR(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.f = verifyFabric(t, func(s string) string { return strings.Replace(s, "looking_glass: bird", "looking_glass: frr", 1) })
	q := steptest.Line(bgp.Question...)
	answer := strings.ReplaceAll(fleet.hosts["node1"].Answers[q], `"acceptedPrefixCounter":2`, `"acceptedPrefixCounter":5`)
	// A core gateway has other sessions: they are none of ours.
	fleet.hosts["mx1"].Answers[q] = answer + `{"192.0.2.1": {"bgpState": "Idle"}}`
	expect(t, fleet.verify(t), true)
}

func TestVerifyStrangers(t *testing.T) {
	fleet := recorded(t, "extra-missing")
	fleet.f = verifyFabric(t, func(s string) string {
		// 10.10.0.99 is the operator's own; to node1, rr2 is now a stranger.
		s = strings.Replace(s, `"fd00:10::11"]`, `"fd00:10::11"], frr: {extra: "router bgp 65000\n neighbor 10.10.0.99 remote-as 65000\n"}`, 1)
		return strings.Replace(s, `  - {name: rr2, addresses: [10.10.0.12, "fd00:10::12"]}`+"\n", "", 1)
	})
	r := fleet.verify(t)
	if got := about(r, "rr1 10.10.0.99"); got != nil {
		t.Errorf("got %q", got)
	}
	want := []string{
		"10.10.0.12 node1 ipv4-unicast warning: node1 has the neighbor 10.10.0.12, which it should not have (Established)",
		"  `ipfabric init --limit node1` removes it; if it is meant to be there, put it into frr.extra of the inventory; ssh root@10.10.0.21 \"vtysh -c 'show bgp neighbors 10.10.0.12'\"",
	}
	if diff := cmp.Diff(want, about(r, "10.10.0.12 node1 ipv4")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	// The end that was asked has what it said, in the place of its role.
	ends := func(r *Report, rr, peer string) string {
		for _, s := range r.Sessions {
			if s.RR == rr && s.Peer == peer && s.Family == "ipv4-unicast" {
				return fmt.Sprintf("%s %s %q, %s %s %q", s.Near.Host, s.Near.Address, s.Near.State, s.Far.Host, s.Far.Address, s.Far.State)
			}
		}
		return ""
	}
	if got := ends(r, "10.10.0.12", "node1"); got != `10.10.0.12  "", node1 10.10.0.12 "Established"` {
		t.Errorf("got %s", got)
	}
	if got := ends(recorded(t, "extra-missing").verify(t), "rr1", "10.10.0.99"); got != `rr1 10.10.0.99 "Connect", 10.10.0.99  ""` {
		t.Errorf("got %s", got)
	}
}

// IPv6 sessions carry only IPv6, so a fabric without an IPv6 pool has none.
func TestVerifyExpectsWhatTheConfigurationHas(t *testing.T) {
	f := verifyFabric(t, func(s string) string { return strings.Replace(s, `, "2001:db8:100::/48"`, "", 1) })
	for _, e := range expectedSessions(f) {
		if e.family == bgp.IPv6Unicast {
			t.Errorf("%s %s: %s", e.rr.Name, e.peer.Name, e.family)
		}
	}
	f = verifyFabric(t, func(s string) string {
		s = strings.Replace(s, "203.0.113.0/24, ", "", 1)
		return strings.Replace(s, "gateway: {ipv4: 10.0.0.1}", "gateway: {}", 1)
	})
	var evpn []string
	for _, e := range expectedSessions(f) {
		if e.family == bgp.EVPN {
			evpn = append(evpn, e.rr.Name+" "+e.peer.Name+" "+e.peerAddr.String())
		}
	}
	want := []string{"rr1 rr2 fd00:10::12", "rr1 node1 fd00:10::21", "rr1 node2 fd00:10::22", "rr2 node1 fd00:10::21", "rr2 node2 fd00:10::22"}
	if diff := cmp.Diff(want, evpn); diff != "" {
		t.Errorf("EVPN sessions (-want +got):\n%s", diff)
	}
}

// A core gateway with FRR is not ipfabric's: init cannot help an Idle session there.
func TestIdleForGoodIsToldOfOurFRRAlone(t *testing.T) {
	f := verifyFabric(t, nil)
	stuck := bgp.Peer{State: "Idle", BFD: "Down", Since: time.Minute}
	rr, core := f.Hosts()[0], f.Hosts()[len(f.RouteReflectors)]
	near := side{sight: &sight{host: rr, asked: true, peers: bgp.Peers{}}, known: true, peer: bgp.Peer{State: "Active"}, otherHost: core}
	far := side{sight: &sight{host: core, asked: true, glass: "frr", peers: bgp.Peers{}}, known: true, peer: stuck, otherHost: rr}
	j := judge{f: f}
	if hint := j.downHint(near, far); strings.Contains(hint, "stuck") {
		t.Errorf("got %s", hint)
	}
	near.peer = stuck
	if hint := j.downHint(near, far); !strings.Contains(hint, "FRR on rr1 is stuck") {
		t.Errorf("got %s", hint)
	}
}

// Between two routers that ipfabric does not manage there is nothing to plan.
func TestCompareOfUnmanagedEnds(t *testing.T) {
	f := verifyFabric(t, nil)
	rr, core := f.Hosts()[0], f.Hosts()[len(f.RouteReflectors)]
	ends := []side{{sight: &sight{host: rr}}, {sight: &sight{host: core, asked: true}}}
	if got := compare(ends); strings.Contains(got, "plan") || !strings.HasPrefix(got, "rr1 is not managed by ipfabric") || !strings.Contains(got, "`ipfabric gateway mx1` prints") {
		t.Errorf("got %s", got)
	}
	ends[0].asked = true
	if got := compare(ends); !strings.HasPrefix(got, "`ipfabric plan --limit rr1` compares with the inventory; `ipfabric gateway mx1` prints") {
		t.Errorf("got %s", got)
	}
}

// Why a session was down before it came up says nothing of why it is down at the
// other end.
func TestErrorsOfAnEndThatIsUp(t *testing.T) {
	f := verifyFabric(t, nil)
	rr, node := f.Hosts()[0], f.Hosts()[len(f.Hosts())-1]
	const error = "Cease/Maximum Number of Prefixes Reached (sent)"
	near := side{sight: &sight{host: rr, asked: true}, peer: bgp.Peer{State: "Established", LastError: error}}
	far := side{sight: &sight{host: node, asked: true}, peer: bgp.Peer{State: "Active"}}
	j := judge{f: f}
	if hint := j.errorHint([]side{near, far}); hint != "" {
		t.Errorf("got %s", hint)
	}
	near.peer.State = "Idle"
	if hint := j.errorHint([]side{near, far}); !strings.HasPrefix(hint, "more prefixes came in than bgp.max_prefixes") {
		t.Errorf("got %s", hint)
	}
}
