package frr

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"ipfabric/steps/bgp"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// summary is FRR's answer of one session with up, which has been there for a day.
func summary(messages, accepted, sent int) string {
	return summaryOf(messages, accepted, sent, 24*time.Hour)
}

func summaryOf(messages, accepted, sent int, age time.Duration) string {
	return fmt.Sprintf(`{"ipv4Unicast":{"peers":{"10.10.0.21":{"state":"Established","peerUptimeMsec":%d,"msgRcvd":%d,"pfxRcd":%d,"pfxSnt":%d}}}}`,
		age.Milliseconds(), messages, accepted, sent)
}

// changedHost is a host whose change of these lines waits for its confirmation. Before
// it, the session accepted 4 routes and sent 3. FRR gives these summaries since.
func changedHost(t *testing.T, running string, summaries ...string) *steptest.Host {
	t.Helper()
	h := frrHost()
	wait(t, h, "", "10.10.0.21")
	armed, err := readArmed(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	armed.Sessions = sessions{up: {Messages: 10, Up: time.Hour, Families: map[string]bgp.Count{bgp.IPv4Unicast: {Accepted: 4, Sent: 3}}}}
	data, err := json.Marshal(armed)
	if err != nil {
		t.Fatal(err)
	}
	h.Files[rollbackArmed] = string(data)
	h.Files[rollbackRunning] = "router bgp 65000\n neighbor RR4 timers 3 9\n"
	h.Answers[askFRR] = " zebra bgpd watchfrr\n" + running
	h.Answers[askSummary] = summaries[0]
	h.Later = map[string][]string{askSummary: summaries[1:]}
	return h
}

const (
	newTimers = "router bgp 65000\n neighbor RR4 timers 5 15\n"
	newPolicy = "router bgp 65000\n neighbor RR4 timers 3 9\nroute-map IPFABRIC-VM4-OUT deny 5\nexit\n"
)

func TestChangesAreConfirmedByWhatSessionsCarry(t *testing.T) {
	heard := summary(11, 4, 3)
	for _, tt := range []struct {
		name, running string
		summaries     []string
		want          string // a part of the error
	}{
		{"all is there", newTimers, []string{summary(10, 4, 3), heard}, ""},
		{"FRR does not count messages", newTimers, []string{summary(0, 4, 3)}, ""},
		{"a policy takes effect after a while, and sends nothing", newPolicy, []string{summary(10, 4, 3), heard, heard, heard, summary(12, 4, 0)},
			"rolled back: routes were lost, to 10.10.0.21: 0 of 3 ipv4-unicast routes; the old configuration runs again"},
		{"a policy that accepts less", newPolicy, []string{summary(10, 4, 3), summary(11, 1, 3)}, "from 10.10.0.21: 1 of 4 ipv4-unicast routes"},
		{"a policy that changes nothing", newPolicy, []string{summary(10, 4, 3), heard}, ""},
		{"routes come back with their session", newTimers, []string{`{}`, summaryOf(2, 0, 0, time.Second), summaryOf(3, 4, 3, time.Second)}, ""},
		{"and do not", newTimers, []string{`{}`, summaryOf(2, 4, 0, time.Second)}, "to 10.10.0.21: 0 of 3 ipv4-unicast routes"},
		{"the session does not come back", newTimers, []string{`{}`}, "1 of the sessions that were up before did not come back within 600ms (10.10.0.21)"},
		{"port 179 is cut", newTimers, []string{summary(10, 4, 3)}, "nothing was received any more from 10.10.0.21: is TCP port 179 blocked"},
		{"more routes than before", newTimers, []string{summary(10, 4, 3), summary(11, 9, 9)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := changedHost(t, tt.running, tt.summaries...)
			err := confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up}}.Apply(t.Context(), h)
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				steptest.Position(t, h, confirmIt)
				return
			}
			if !wasRolledBack(err) || !strings.Contains(err.Error(), tt.want) || hintOf(err) == "" {
				t.Errorf("got %v", err)
			}
			steptest.Position(t, h, rollBack)
			if slices.Contains(h.Log, confirmIt) {
				t.Error("confirmed")
			}
		})
	}
}

// A policy has time to take effect before anything is confirmed; other changes do
// not wait for it.
func TestAPolicyIsWatchedUntilItIsInEffect(t *testing.T) {
	p := impatient
	p.policy = time.Hour
	p.back = 2 * time.Hour
	h := changedHost(t, newTimers, summary(10, 4, 3), summary(11, 4, 3))
	if err := (confirmed{patience: p, rollback: &rollback{}, neighbors: []netip.Addr{up}}).Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	p.policy = 50 * time.Millisecond
	h = changedHost(t, newPolicy, summary(10, 4, 3), summary(11, 4, 3))
	start := time.Now()
	if err := (confirmed{patience: p, rollback: &rollback{}, neighbors: []netip.Addr{up}}).Apply(t.Context(), h); err != nil || time.Since(start) < p.policy {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

func TestLossOfRoutesCanBeAccepted(t *testing.T) {
	h := changedHost(t, newPolicy, summary(10, 4, 0))
	if err := (confirmed{patience: impatient, rollback: &rollback{}, neighbors: []netip.Addr{up}, acceptLoss: true}).Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	steptest.Position(t, h, confirmIt)
}

func removedLines(lines []string) step.Diff {
	var d step.Diff
	for _, line := range lines {
		d = append(d, step.Change{Item: conf.Running, Have: line})
	}
	return d
}

func TestWhatAChangeTakesAwayItselfIsNotLost(t *testing.T) {
	count := func(accepted, sent int) bgp.Session {
		return bgp.Session{Families: map[string]bgp.Count{bgp.IPv4Unicast: {Accepted: accepted, Sent: sent}, bgp.EVPN: {Accepted: accepted, Sent: sent}}}
	}
	only := func(accepted, sent int) bgp.Session {
		return bgp.Session{Families: map[string]bgp.Count{bgp.IPv4Unicast: {Accepted: accepted, Sent: sent}}}
	}
	before := armedState{Peers: []netip.Addr{up, down}, Sessions: sessions{up: count(100, 40), down: count(10, 40)}}
	for _, tt := range []struct {
		name      string
		now       sessions
		neighbors []netip.Addr
		diff      []string // lines that are removed
		want      int
	}{
		{"nothing", sessions{up: count(100, 40), down: count(10, 40)}, []netip.Addr{up, down}, nil, 0},
		{"some VMs were stopped", sessions{up: count(95, 38), down: count(10, 40)}, []netip.Addr{up, down}, nil, 0},
		{"many were", sessions{up: count(94, 40), down: count(10, 40)}, []netip.Addr{up, down}, nil, 2},
		{"a neighbor is removed, and with it its routes", sessions{up: count(100, 30)}, []netip.Addr{up}, nil, 0},
		{"more than its routes", sessions{up: count(100, 20)}, []netip.Addr{up}, nil, 2},
		{"a pool is removed", sessions{up: count(0, 40), down: count(10, 40)}, []netip.Addr{up, down}, []string{"ip prefix-list IPFABRIC-POOLS4 seq 5 permit 203.0.113.0/24 ge 32"}, 1},
		{"and the EVPN family", sessions{up: only(0, 40), down: only(10, 40)}, []netip.Addr{up, down},
			[]string{"ip prefix-list IPFABRIC-POOLS4 seq 5 permit 203.0.113.0/24 ge 32", "router bgp 65000 | address-family l2vpn evpn | neighbor RR4 activate"}, 0},
		{"the EVPN family by itself", sessions{up: only(100, 40), down: only(10, 40)}, []netip.Addr{up, down}, nil, 4},
	} {
		if got := lostRoutes(before, tt.now, tt.neighbors, takenAway(removedLines(tt.diff))); len(got) != tt.want {
			t.Errorf("%s: %q, want %d", tt.name, got, tt.want)
		}
	}
}
