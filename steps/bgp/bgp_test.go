package bgp

import (
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The same neighbor as FRR 7.5.1, 8.4.4 and 10.3 show it.
func TestParseFRR(t *testing.T) {
	family := func(accepted, sent int) Family {
		return Family{Offered: true, Wanted: true, Negotiated: true, Accepted: accepted, Sent: sent}
	}
	for host, accepted := range map[string]int{"node2": 3, "node1": 2} {
		peers, err := ParseFRR(readTestdata(t, "healthy/"+host+".vtysh"))
		if err != nil {
			t.Fatal(err)
		}
		got := peers["10.10.0.12"]
		got.Since, got.LastError = 0, ""
		want := Peer{State: "Established", BFD: "Up", Families: map[string]Family{
			IPv4Unicast: family(accepted, 5-accepted), EVPN: family(0, 0),
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", host, diff)
		}
	}
	peers, err := ParseFRR(readTestdata(t, "healthy/rr2.vtysh"))
	if err != nil {
		t.Fatal(err)
	}
	got := peers["fd00:10::21"]
	if got.Since < time.Second {
		t.Errorf("up for %s", got.Since)
	}
	got.Since, got.LastError = 0, ""
	want := Peer{State: "Established", BFD: "Up", Families: map[string]Family{IPv6Unicast: family(3, 5)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rr2 (-want +got):\n%s", diff)
	}
	if len(peers) != 8 {
		t.Errorf("rr2 has %d neighbors", len(peers))
	}
}

func TestParseFRRWithoutNeighbors(t *testing.T) {
	tests := []struct {
		name, out string
		answered  bool
	}{
		{"no BGP instance", "{}\n{}\n", true},
		{"no bgpd", "", false},
		{"words only", "% BGP instance not found\n", false},
		{"words before", "% Can't open configuration file /etc/frr/vtysh.conf\n{\n}\n", true},
		{"other types", `{"vrfId": 0, "10.0.0.1": 7, "x": {"peers": []}, "warnings": ["w"]}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			peers, err := ParseFRR(tt.out)
			if err != nil {
				t.Fatal(err)
			}
			if len(peers) != 0 || (peers != nil) != tt.answered {
				t.Errorf("got %#v", peers)
			}
		})
	}
}

// A field that a later FRR writes in another way costs that field only.
func TestParseFRRToleratesOtherTypes(t *testing.T) {
	peers, err := ParseFRR(`{"10.0.0.1": {"bgpState": "Established", "connectionsDropped": "1", "bgpTimerUpMsec": 5000}}`)
	if err != nil {
		t.Fatal(err)
	}
	if p := peers["10.0.0.1"]; !p.Up() || p.Since != 5*time.Second {
		t.Errorf("got %+v", p)
	}
}

func TestParseBIRD(t *testing.T) {
	peers := ParseBIRD(readTestdata(t, "core-alone/mx1.birdc"))
	family := func(f string) map[string]Family { return map[string]Family{f: {Sent: -1}} }
	want := Peers{
		"10.10.0.11":  {State: "Active", LastError: "Socket: No route to host", Families: family(IPv4Unicast)},
		"fd00:10::11": {State: "Connect", Families: family(IPv6Unicast)},
		"10.10.0.12":  {State: "Active", LastError: "Socket: No route to host", Families: family(IPv4Unicast)},
		"fd00:10::12": {State: "Down", Shutdown: true, Families: family(IPv6Unicast)},
	}
	for addr, p := range peers {
		if p.Since < 7*time.Second || p.Since > 10*time.Second {
			t.Errorf("%s: for %s", addr, p.Since)
		}
		p.Since = 0
		peers[addr] = p
	}
	if diff := cmp.Diff(want, peers); diff != "" {
		t.Errorf("core-alone (-want +got):\n%s", diff)
	}

	up := ParseBIRD(readTestdata(t, "healthy/mx1.birdc"))["fd00:10::12"]
	up.Since = 0
	if diff := cmp.Diff(Peer{State: "Established", Families: map[string]Family{
		IPv6Unicast: {Offered: true, Wanted: true, Negotiated: true, Accepted: 5},
	}}, up); diff != "" {
		t.Errorf("healthy (-want +got):\n%s", diff)
	}
	if ParseBIRD("") != nil || ParseBIRD("Unable to connect to server control socket\n") != nil {
		t.Error("no answer was taken for one")
	}
}

// A neighbor with a second protocol that is switched off is up.
func TestParseBIRDTakesTheProtocolInUse(t *testing.T) {
	const status = "Current server time is 2026-03-01 00:00:10\n"
	const up = "a BGP --- up 23:59:10.000  Established\n  BGP state:          Established\n    Neighbor address: 10.0.0.1\n"
	const off = "b BGP --- down 2026-02-01\n  BGP state:          Down\n    Neighbor address: 10.0.0.1\n"
	for _, out := range []string{status + up + off, status + off + up} {
		if p := ParseBIRD(out)["10.0.0.1"]; !p.Up() || p.Since != time.Minute {
			t.Errorf("got %+v", p)
		}
	}
}

func readTestdata(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile("../verify/testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPeerKey(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.1": "10.0.0.1", "FD00::0001": "fd00::1", "fe80::1%eth0": "fe80::1", "eth0": "eth0",
	} {
		if got := PeerKey(in); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

// A time that cannot be read is no age.
func TestParseBIRDWithAnUnknownClock(t *testing.T) {
	const block = "a BGP --- up 23:59:10.000  Established\n  BGP state:          Established\n    Neighbor address: 10.0.0.1\n"
	if p := ParseBIRD("Current server time is sometime\n" + block)["10.0.0.1"]; !p.Up() || p.Since != -1 {
		t.Errorf("got %+v", p)
	}
}
