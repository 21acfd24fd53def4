package vms

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

func TestRouteQuestion(t *testing.T) {
	few, table := bgp.RouteQuestion([]netip.Addr{netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8:100::1")})
	want := []string{"timeout", "8", "vtysh", "-c", "show bgp ipv4 unicast 203.0.113.1/32 json", "-c", "show bgp ipv6 unicast 2001:db8:100::1/128 json"}
	if diff := cmp.Diff(want, few); diff != "" || table {
		t.Error(table, diff)
	}
	var addrs []netip.Addr
	a := netip.MustParseAddr("10.0.0.1")
	for range 10000 {
		addrs, a = append(addrs, a), a.Next()
	}
	all, table := bgp.RouteQuestion(addrs)
	if diff := cmp.Diff(bgp.Vtysh("show bgp ipv4 unicast json"), all[4:]); diff != "" || !table {
		t.Error(table, diff)
	}
}

// The whole way of a packed command, by a real shell.
func TestPacked(t *testing.T) {
	run := func(argv ...string) (string, error) {
		t.Helper()
		argv = bgp.Pack(argv...)
		out, err := exec.Command(argv[0], argv[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return bgp.Unpack(string(out))
	}
	for _, text := range []string{"", "one line\n", "it's \"$HOME\"\nand more", strings.Repeat("x", 1<<16)} {
		if got, err := run("printf", "%s", text); err != nil || got != text {
			t.Errorf("%.20q: got %.20q, %v", text, got, err)
		}
	}
	_, err := run("sh", "-c", "echo half; echo no daemons; exit 3")
	if step.ExitStatus(err) != 3 || !strings.Contains(step.SaidBy(err), "no daemons") {
		t.Errorf("a failure: %v", err)
	}
	if _, err := bgp.Unpack("bm90aGluZw=="); err == nil {
		t.Error("what is not packed was taken")
	}
}

// 5,000 VMs: what is asked stays short, and each is found.
func TestListOfManyVMs(t *testing.T) {
	f := newFleet(t)
	a, b := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("2001:db8:100::1")
	for i := range 5000 {
		f.put([]string{"node1", "node2"}[i%2], fmt.Sprintf("vm%d", i), a.String(), b.String(), PhaseLive)
		a, b = a.Next(), b.Next()
	}
	f.mute["node2"] = true
	l := f.control().List(context.Background())
	if len(l.VMs) != 5000 || len(l.Silent) > 0 {
		t.Fatalf("%d VMs, %v", len(l.VMs), l.Silent)
	}
	for _, v := range l.VMs {
		want := SeenYes
		if v.Node == "node2" {
			want = SeenNo
		}
		if len(v.Seen) != 2 || v.Seen[0].Status != want {
			t.Fatalf("%s on %s: %+v", v.Name, v.Node, v.Seen)
		}
	}
}

// A vtyshError is a vtysh that failed, as the host tells it.
type vtyshError struct {
	steptest.Status
	said string
}

func (e vtyshError) Error() string { return "`timeout 8 vtysh -c … -c …` ended: " + e.said }
func (e vtyshError) Said() string  { return e.said }

// However long the command was that failed, the operator reads a short sentence.
func TestSilentFRRIsToldInShort(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{vtyshError{1, "Exiting: failed to connect to any daemons."}, "rr1: its routes are not known: FRR does not run"},
		{steptest.Status(124), "rr1: its routes are not known: FRR does not answer: one of its daemons hangs"},
		{steptest.Status(127), "rr1: its routes are not known: FRR is not installed"},
		{vtyshError{2, "% Unknown command"}, "rr1: its routes are not known: vtysh ended with status 2: % Unknown command"},
	}
	for _, tt := range tests {
		f := movable(t)
		f.frr["rr1"] = tt.err
		l := f.control().List(context.Background())
		if len(l.Silent) != 1 || l.Silent[0].Err.Error() != tt.want {
			t.Errorf("got %v, want %q", l.Silent, tt.want)
			continue
		}
		if hint := step.HintOf(l.Silent[0].Err, ""); !strings.Contains(hint, "`ipfabric verify`") || !strings.Contains(hint, "root@10.10.0.11") || len(hint) > 300 {
			t.Errorf("hint %q", hint)
		}
		if l.VMs[0].Seen[0].Status != SeenUnknown {
			t.Errorf("%+v", l.VMs[0].Seen)
		}
	}
}

// vtysh does not fail if only bgpd is gone.
func TestBGPDThatDoesNotRunIsNoAnswer(t *testing.T) {
	r := &steptest.Host{Answers: map[string]string{}}
	addrs := []netip.Addr{netip.MustParseAddr("203.0.113.1")}
	question, _ := bgp.RouteQuestion(addrs)
	r.Answers[strings.Join(question, " ")] = "bgpd is not running\n"
	_, err := bgp.AskRoutes(context.Background(), steptest.ParseFabric(t, FabricText), r, addrs)
	if want := bgp.FRRError("its bgpd does not run"); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
