package conf

import (
	"strings"
	"testing"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

// A fabric must come back after BFD went down, and lose a dead node within
// seconds: where this FRR's BFD cannot see to that, keepalives do.
func TestConfBFD(t *testing.T) {
	bfd := func(interval time.Duration) inventory.BFD {
		return inventory.BFD{Enabled: true, Interval: interval, Multiplier: 3}
	}
	usual, slow := bfd(300*time.Millisecond), bfd(500*time.Millisecond)
	const plain, both, profile = " neighbor NODE4 bfd\n", " neighbor NODE4 bfd\n neighbor NODE4 bfd profile IPFABRIC\n", " neighbor NODE4 bfd profile IPFABRIC\n"
	for _, tt := range []struct {
		v     Version
		bfd   inventory.BFD
		times string // of the sessions among reflectors and nodes
		want  string // "" is no BFD
	}{
		{Version{7, 5}, usual, "10 30", plain},
		{Version{7, 5}, slow, "10 30", profile},
		{Version{8, 4}, slow, "10 30", both},
		{Version{9, 1}, usual, "10 30", plain},
		{Version{10, 3}, usual, "1 3", ""},
		{Version{10, 3}, bfd(1900 * time.Millisecond), "2 6", ""},
		{Version{10, 3}, bfd(2 * time.Second), "2 6", ""},
		{Version{10, 3}, bfd(20 * time.Second), "10 30", ""},
		{Version{10, 3}, inventory.BFD{}, "10 30", ""},
		{Version{10, 6}, usual, "1 3", ""},
		{Version{10, 7}, usual, "10 30", plain},
	} {
		f := steptest.Fabric(t, "plain")
		f.BGP.BFD = tt.bfd
		rr, err := Reflector(f, f.RouteReflectors[0], tt.v)
		if err != nil {
			t.Fatal(err)
		}
		node, err := Node(f, f.Nodes[0], tt.v)
		if err != nil {
			t.Fatal(err)
		}
		conf := string(rr) + string(node)
		for group, timers := range map[string]string{"NODE4": tt.times, "RR4": tt.times, "RRS4": tt.times, "CORE4": "10 30"} {
			if !strings.Contains(conf, " neighbor "+group+" timers "+timers+"\n") {
				t.Errorf("%s, %+v: %s has not the timers %s:\n%s", tt.v, tt.bfd, group, timers, conf)
			}
		}
		got := ""
		for line := range strings.Lines(conf) {
			if strings.HasPrefix(line, " neighbor NODE4 bfd") {
				got += line
			}
		}
		if got != tt.want {
			t.Errorf("%s, %+v: %q, want %q", tt.v, tt.bfd, got, tt.want)
		}
		if used, defined := strings.Contains(conf, "bfd profile IPFABRIC"), strings.Contains(conf, "\n profile IPFABRIC\n"); used != defined {
			t.Errorf("%s, %+v: a profile is used: %v, defined: %v", tt.v, tt.bfd, used, defined)
		}
	}
}

// An older FRR gets no line that its frr-reload.py loses track at, also none
// of the operator's own.
func TestConfOfOldFRRHasNoExit(t *testing.T) {
	f := steptest.Fabric(t, "plain")
	rr := f.RouteReflectors[0]
	rr.FRR.Extra = "router bgp 65000\n neighbor NODE4 shutdown\nexit\n"
	for v, want := range map[Version]bool{{7, 5}: false, {8, 0}: false, {8, 1}: true, {10, 3}: true} {
		conf, err := Reflector(f, rr, v)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(conf), "\nexit\n"); got != want {
			t.Errorf("%s: exit is there: %v", v, got)
		}
		if !strings.Contains(string(conf), " neighbor NODE4 shutdown\n") {
			t.Errorf("%s: the operator's lines are missing", v)
		}
	}
}
