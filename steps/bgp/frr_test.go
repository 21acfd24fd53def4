package bgp

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/step/steptest"
)

// How long a session is up is the neighbor's, how long it is down the summary's.
func TestAgesOfSessions(t *testing.T) {
	peers, err := ParseFRR(`{"ipv4Unicast": {"peers": {
  "10.0.0.1": {"peerUptime": "00:00:07", "peerUptimeMsec": 7000},
  "10.0.0.2": {"peerUptime": "never", "peerUptimeMsec": 9000},
  "10.0.0.3": {"peerUptime": "00:00:07", "peerUptimeMsec": 7000}}}}
{"10.0.0.1": {"bgpState": "Active"}, "10.0.0.2": {"bgpState": "Active"}, "10.0.0.4": {"bgpState": "Idle"},
 "10.0.0.3": {"bgpState": "Established", "bgpTimerUpMsec": 5000,
  "addressFamilyInfo": {"ipv4Unicast": {"acceptedPrefixCounter": 3}, "ipv6Unicast": {"sentPrefixCounter": 0}, "odd": {}}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]time.Duration{}
	for addr, p := range peers {
		got[addr] = p.Since
	}
	want := map[string]time.Duration{"10.0.0.1": 7 * time.Second, "10.0.0.2": -1, "10.0.0.3": 5 * time.Second, "10.0.0.4": -1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	families := map[string]Family{IPv4Unicast: {Accepted: 3, Sent: -1}, IPv6Unicast: {}}
	if diff := cmp.Diff(families, peers["10.0.0.3"].Families); diff != "" {
		t.Error(diff)
	}
}

func TestWhyASessionWentDown(t *testing.T) {
	for name, want := range map[string]struct{ json, want string }{
		"sent":            {`"lastReset": "00:01", "lastResetDueTo": "BGP Notification send", "lastNotificationReason": "Hold Timer Expired"`, "Hold Timer Expired (sent)"},
		"received":        {`"lastReset": "00:01", "lastResetDueTo": "BGP Notification received", "lastNotificationReason": "Cease"`, "Cease (received)"},
		"no route":        {`"lastReset": "00:01", "lastResetDueTo": "Waiting for NHT"`, "no route to the neighbor"},
		"something else":  {`"lastReset": "00:01", "lastResetDueTo": "Peer closed the session"`, "Peer closed the session"},
		"never":           {`"lastReset": "never", "lastResetDueTo": "Peer closed the session"`, ""},
		"first try":       {`"lastReset": "00:01", "lastResetDueTo": "Waiting for peer OPEN"`, ""},
		"up at the first": {`"bgpState": "Established", "connectionsDropped": 0, "lastReset": "00:01", "lastResetDueTo": "Peer closed the session"`, ""},
		"up again":        {`"bgpState": "Established", "connectionsDropped": 1, "lastReset": "00:01", "lastResetDueTo": "Peer closed the session"`, "Peer closed the session"},
	} {
		peers, err := ParseFRR(`{"10.0.0.1": {"bgpState": "Active", ` + want.json + `}}`)
		if err != nil || peers["10.0.0.1"].LastError != want.want {
			t.Errorf("%s: got %q, %v", name, peers["10.0.0.1"].LastError, err)
		}
	}
}

func TestEstablished(t *testing.T) {
	const ask = "timeout 8 vtysh -c show bgp summary json"
	h := &steptest.Host{Answers: map[string]string{}, Status: map[string]int{}, Fail: map[string]error{}}
	h.Answers[ask] = `{"ipv6Unicast":{"peers":{"fd00::1":{"state":"Established"}}},
 "ipv4Unicast":{"peers":{"10.0.0.2":{"state":"Established"},"10.0.0.1":{"state":"Established"},"10.0.0.3":{"state":"Idle"},"eth0":{"state":"Established"}}},
 "l2VpnEvpn":{"peers":{"10.0.0.1":{"state":"Established"}}}}`
	got, err := Established(t.Context(), h)
	want := []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("fd00::1")}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	h.Answers[ask], h.Status[ask] = "% BGP instance not found\n", 1
	if got, err := Established(t.Context(), h); err != nil || len(got) > 0 {
		t.Errorf("without BGP: %v, %v", got, err)
	}
	h.Fail[ask] = errors.New("lost the connection")
	if _, err := Established(t.Context(), h); err == nil {
		t.Error("a connection that broke is taken for no sessions")
	}
}
