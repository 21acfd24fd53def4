package frr

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"ipfabric/inventory/vm"
)

// What bgpd 8.4.4 says.
const summary84 = `{
"ipv4Unicast":{"routerId":"10.10.0.21","as":65000,"peerCount":2,"peers":{
 "10.10.0.12":{"hostname":"rr2","remoteAs":65000,"peerUptime":"never","peerUptimeMsec":0,"pfxRcd":0,"pfxSnt":0,"state":"Active","desc":"rr2"},
 "10.10.0.11":{"hostname":"rr1","remoteAs":65000,"peerUptime":"00:01:02","peerUptimeMsec":62000,"pfxRcd":40,"pfxSnt":3,"state":"Established","desc":"rr1"}}},
"ipv6Unicast":{"routerId":"10.10.0.21","peers":{
 "fd00:10::11":{"peerUptimeMsec":62500,"pfxRcd":40,"state":"Established"}}}
}
`

var sessions84 = []vm.Session{
	{Peer: "10.10.0.11", Name: "rr1", Family: "ipv4-unicast", State: "Established", UptimeSec: 62, Received: 40, Sent: 3, Established: true},
	{Peer: "10.10.0.12", Name: "rr2", Family: "ipv4-unicast", State: "Active"},
	{Peer: "fd00:10::11", Family: "ipv6-unicast", State: "Established", UptimeSec: 62, Received: 40, Sent: -1, Established: true},
}

// bgpd answers one question with those bytes.
func bgpd(t *testing.T, answer string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "bgpd.vty")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		buf := make([]byte, 100)
		n, _ := conn.Read(buf)
		if got := string(buf[:n]); got != "show bgp summary json\x00" {
			t.Errorf("it was asked %q", got)
		}
		for _, half := range []string{answer[:len(answer)/2], answer[len(answer)/2:]} {
			conn.Write([]byte(half))
		}
	}()
	return socket
}

func TestSessions(t *testing.T) {
	got, err := Sessions(context.Background(), bgpd(t, summary84+"\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sessions84, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestABgpdThatDoesNotAnswerWell(t *testing.T) {
	tests := []struct{ answer, want string }{
		{"% Unknown command\x00\x00\x00\x02", `bgpd: "show bgp summary json": % Unknown command (status 2)`},
		{summary84, "bgpd does not answer: EOF"},
		{`{"ipv4Unicast": 7}` + "\x00\x00\x00\x00", "bgpd's summary: ipv4Unicast"},
		{"nonsense\x00\x00\x00\x00", "bgpd's summary: invalid character"},
	}
	for _, tt := range tests {
		_, err := Sessions(context.Background(), bgpd(t, tt.answer))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%.30q: got %v, want %s", tt.answer, err, tt.want)
		}
	}
}

func TestABgpdWithoutConfigurationHasNoSessions(t *testing.T) {
	got, err := Sessions(context.Background(), bgpd(t, "% BGP instance not found\n\x00\x00\x00\x00"))
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestNoBgpd(t *testing.T) {
	_, err := Sessions(context.Background(), filepath.Join(t.TempDir(), "bgpd.vty"))
	if !errors.Is(err, ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte(summary84))
	f.Add([]byte(`{"ipv4Unicast":{"peers":{"x":null}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sessions, err := parseSummary(data)
		if err != nil && sessions != nil {
			t.Errorf("both: %v, %v", sessions, err)
		}
	})
}
