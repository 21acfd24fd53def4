package inventory

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse checks what the rest of the program relies on: Parse never panics,
// each error leads to a line of the file, and whatever Parse takes is safe to
// render into frr.conf, a file's name or agent.yaml.
func FuzzParse(f *testing.F) {
	f.Add(Example())
	f.Add([]byte(minimal))
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fab, warnings, err := Parse("fabric.yaml", data)
		checkProblems(t, warnings, data)
		if err != nil {
			var errs Errors
			if fab != nil || !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("got %v with %v", fab, err)
			}
			checkProblems(t, errs, data)
			return
		}
		checkFabric(t, fab)
	})
}

func checkProblems(t *testing.T, list []Problem, data []byte) {
	lines := bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) + 2
	for i, p := range list {
		if p.Msg == "" || p.Hint == "" || p.Line < 0 || p.Line > lines+strings.Count(string(data), "\u0085")+strings.Count(string(data), "\u2028")+strings.Count(string(data), "\u2029") {
			t.Errorf("%+v of %d lines", p, lines)
		}
		if strings.ContainsFunc(p.String(), unicode.IsControl) {
			t.Errorf("%q would confuse a terminal", p.String())
		}
		if i > 0 && p.Line < list[i-1].Line {
			t.Error("not in the file's order:", list)
		}
	}
}

func checkFabric(t *testing.T, f *Fabric) {
	if nameFault(f.Name) != "" || len(f.Communities) < 1 || len(f.Communities) > maxCommunities || len(f.Pools) == 0 || len(f.RouteReflectors) == 0 {
		t.Errorf("incomplete: %+v", f)
	}
	if n, err := ParseASN(f.AS.String()); err != nil || n != f.AS {
		t.Error(n, err)
	}
	for _, m := range f.Communities {
		if back, err := ParseCommunity(m.String()); err != nil || back != m {
			t.Error(back, err)
		}
	}
	for i, p := range f.Pools {
		for _, q := range f.Pools[:i] {
			if p.Overlaps(q) {
				t.Errorf("%s overlaps %s", p, q)
			}
		}
		if p != p.Masked() || p.Contains(f.Gateway.IPv4) {
			t.Errorf("pool %s", p)
		}
	}
	if f.Gateway.IPv4.IsValid() != f.HasIPv4() || f.Gateway.IPv6.IsValid() != f.HasIPv6() || len(f.Gateway.MAC) != 6 {
		t.Errorf("gateway %+v", f.Gateway)
	}
	b := f.BGP
	if b.Keepalive < time.Second || b.HoldTime <= b.Keepalive || b.ConnectRetry < time.Second || b.BFD.Interval <= 0 || b.BFD.Multiplier < 2 || b.MaxPrefixes < 1 || b.CoreMaxPrefixes < 1 {
		t.Errorf("bgp %+v", b)
	}
	checkHosts(t, f)
}

func checkHosts(t *testing.T, f *Fabric) {
	names, addrs, ids := map[string]bool{}, map[netip.Addr]bool{}, map[netip.Addr]bool{}
	for _, h := range f.Hosts() {
		if nameFault(h.Name) != "" || names[strings.ToLower(h.Name)] || len(h.Addresses()) == 0 || h.SSH.Address == "" {
			t.Errorf("host %+v", h)
		}
		names[strings.ToLower(h.Name)] = true
		for _, a := range h.Addresses() {
			if addrs[a] || addressFault(a) != "" || a == f.Gateway.IPv4 {
				t.Errorf("%s has %s", h.Name, a)
			}
			addrs[a] = true
			for _, p := range f.Pools {
				if p.Contains(a) {
					t.Errorf("%s has %s of the pool %s", h.Name, a, p)
				}
			}
		}
		if h.RouterID.IsValid() && (ids[h.RouterID] || !h.RouterID.Is4()) {
			t.Errorf("%s has router ID %s", h.Name, h.RouterID)
		}
		ids[h.RouterID] = true
		if h.FRR.Extra != "" && (!strings.HasSuffix(h.FRR.Extra, "\n") || strings.Contains(h.FRR.Extra, "\x00") || strings.Contains(h.FRR.Extra, writtenHeader)) {
			t.Errorf("%s has extra %q", h.Name, h.FRR.Extra)
		}
		for _, s := range append([]string{h.SSH.Address, h.SSH.User}, h.SSH.Jump...) {
			if strings.HasPrefix(s, "-") || strings.ContainsFunc(s, unicode.IsControl) {
				t.Errorf("%s has ssh %q", h.Name, s)
			}
		}
	}
	for _, n := range f.Nodes {
		if f.HasIPv4() && !n.IPv4.IsValid() || f.HasIPv6() && !n.IPv6.IsValid() || !n.RouterID.IsValid() {
			t.Errorf("node %+v", n)
		}
		want := agentConfig(f, n)
		got, err := ParseAgentConfig(want.Marshal())
		if err != nil {
			t.Errorf("%v\nin\n%s", err, want.Marshal())
			continue
		}
		if diff := cmp.Diff(want, *got, cmpNet); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
