package reach

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"

	"ipfabric/inventory/vm"
)

// The limit is the whole machine's and not a namespace's, so the namespace tests
// leave it alone.
func TestATableOfConnectionsThatFillsUp(t *testing.T) {
	l := &Look{proc: t.TempDir()}
	if got := l.conntrack(); got != nil {
		t.Errorf("a kernel without it: %v", got)
	}
	dir := filepath.Join(l.proc, "netfilter")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		count string
		want  vm.Level
	}{{"899", ""}, {"900", vm.IsWarning}, {"989", vm.IsWarning}, {"990", vm.IsProblem}, {"1000", vm.IsProblem}} {
		for file, text := range map[string]string{"nf_conntrack_max": "1000\n", "nf_conntrack_count": tt.count + "\n"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got := l.conntrack()
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || got[0].Level != tt.want || got[0].Code != vm.ConntrackFull) {
			t.Errorf("%s of 1000: %v", tt.count, got)
		}
	}
}

// iptables-nft writes a connection's state as one of xtables' conditions, as in
// ufw's and libvirt's rules.
func TestTheStateOfAConnectionAsIptablesHasIt(t *testing.T) {
	state := func(mask uint16, invert xt.ConntrackFlags, more xt.ConntrackFlags) *expr.Match {
		info := &xt.ConntrackMtinfo3{}
		info.StateMask = mask
		info.MatchFlags, info.InvertFlags = uint16(xt.ConntrackState|xt.ConntrackStateAlias|more), uint16(invert)
		return &expr.Match{Name: "conntrack", Rev: 3, Info: info}
	}
	for _, tt := range []struct {
		name  string
		match *expr.Match
		state uint32
		want  answer
	}{
		{"RELATED,ESTABLISHED, new", state(6, 0, 0), stateNew, no},
		{"RELATED,ESTABLISHED, established", state(6, 0, 0), stateEstablished, yes},
		{"! NEW", state(8, xt.ConntrackState, 0), stateNew, no},
		{"with a direction", state(6, 0, xt.ConntrackDirection), stateNew, maybe},
		{"a comment", &expr.Match{Name: "comment", Info: new(xt.Comment)}, stateNew, yes},
		{"unknown", &expr.Match{Name: "recent", Info: new(xt.Unknown)}, stateNew, maybe},
	} {
		if got := matches(tt.match, &packet{state: tt.state}); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

// Every code and level is in the reference.
func TestFindingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/agent-reference.md")
	if err != nil {
		t.Fatal(err)
	}
	codes := []vm.FindingCode{vm.FilterDrops, vm.RuleDiverts, vm.UplinkForwarding, vm.IPv6Disabled, vm.ConntrackFull, vm.GuestSilent,
		vm.MaxPrefixes, vm.AnnouncedElsewhere, vm.Waits}
	for _, c := range codes {
		if !strings.Contains(string(page), "| `"+string(c)+"` |") {
			t.Errorf("%s is not documented", c)
		}
	}
}
