package vms

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

func TestList(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "2001:db8:100::1", PhaseLive)
	f.put("node1", "off", "203.0.113.2", "", PhaseLive)
	f.guests["node1 off"] = false
	f.put("node2", "mail", "203.0.113.3", "", PhaseLive)
	f.put("node2", "same", "203.0.113.1", "", PhaseWithdrawn)
	f.put("node3", "lost", "203.0.113.4", "", PhaseLive)
	f.put("node3", "new", "203.0.113.5", "", PhaseLive)
	f.guests["node3 new"] = false // FRR 10 announces it once it has a guest
	f.mute["node3"] = true
	f.down["rr2"] = true
	l := f.control().List(context.Background())
	var got []string
	for _, v := range l.VMs {
		got = append(got, fmt.Sprintln(v.Name, v.Node, v.State, v.Seen, strings.Join(v.Problems, "; ")))
	}
	want := []string{
		"off node1 no guest [{rr1 yes} {rr2 unknown}] \n",
		"web node1 announced [{rr1 yes} {rr2 unknown}] 203.0.113.1 is also the address of VM same on node2\n",
		"mail node2 announced [{rr1 yes} {rr2 unknown}] \n",
		"same node2 withdrawn [{rr1 other} {rr2 unknown}] 203.0.113.1 is also the address of VM web on node1\n",
		"lost node3 announced [{rr1 no} {rr2 unknown}] rr1 has no route to 203.0.113.4 by node3\n",
		"new node3 no guest [{rr1 no} {rr2 unknown}] \n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(l.Silent) != 1 || l.Silent[0].Host != "rr2" {
		t.Errorf("silent: %v", l.Silent)
	}
}

func TestListOfOneNodeAndOfADeadOne(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.put("node2", "mail", "203.0.113.2", "", PhaseLive)
	if l := f.control().List(context.Background(), "node2"); len(l.VMs) != 1 || l.VMs[0].Name != "mail" {
		t.Errorf("%+v", l)
	}
	f.down["node2"] = true
	l := f.control().List(context.Background())
	if len(l.VMs) != 1 || l.VMs[0].Name != "web" || len(l.Silent) != 1 || l.Silent[0].Host != "node2" {
		t.Errorf("%+v", l)
	}
	if _, err := f.control().Find(context.Background(), "mail"); err == nil {
		t.Error("mail is on a node that is down, and was found")
	} else {
		wantError(t, err, Unanswered, "node2 does not answer")
	}
	f.down["rr1"] = true // has no VMs
	delete(f.down, "node2")
	var missing *NotFoundError
	if _, err := f.control().Find(context.Background(), "mial"); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestListWhileAVMIsMoved(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.put("node2", "web", "203.0.113.1", "", PhaseMigrating)
	l := f.control().List(context.Background())
	for i, want := range []string{"other", "yes"} {
		v := l.VMs[i]
		if v.Seen[0].Status != want || len(v.Problems) != 1 || v.Problems[0] != "it is moving from node1 to node2: both announce it, and node2 is preferred" {
			t.Errorf("%+v", v)
		}
	}
}

// notable has a line for each finding that `vm list` prints.
func notable(l List) []string {
	var out []string
	for _, f := range l.Notable() {
		out = append(out, strings.TrimSpace(f.VM+" on "+f.Node)+": "+f.Text)
	}
	return out
}

// A node that does not route makes each of its VMs unreachable, however well the
// reflectors know them.
func TestListOfANodeThatDoesNotRoute(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.put("node1", "bad", "203.0.113.2", "", PhaseLive)
	f.put("node2", "db", "203.0.113.3", "", PhaseLive)
	f.agents["node1"]["bad"].Problem = "interface bad_net0: it is a bridge"
	const noRouting = "the node does not route: net.ipv4.ip_forward is not 1"
	f.problems["node1"] = []string{"VM bad: interface bad_net0: it is a bridge", noRouting}
	l := f.control().List(context.Background())
	want := []string{
		"bad on node1: interface bad_net0: it is a bridge",
		"on node1: the agent is not healthy: " + noRouting, // what is said of bad is not said again
	}
	if diff := cmp.Diff(want, notable(l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, v := range l.VMs {
		if said := strings.Contains(strings.Join(v.Problems, "\n"), "node1: the agent is not healthy: "+noRouting); said != (v.Node == "node1") {
			t.Errorf("%s on %s: %q", v.Name, v.Node, v.Problems)
		}
	}
	// The VM's own problem alone is none of the node.
	f.problems["node1"] = f.problems["node1"][:1]
	if got := notable(f.control().List(context.Background())); len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// A route to the pools that is no VM's, and one to the address of a VM that is
// listed, which is said of that VM and not again.
func TestListOfStrays(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.stranger["203.0.113.1"], f.stranger["203.0.113.4"], f.stranger["203.0.113.5"] = "node2", "node2", "node3"
	l := f.control().List(context.Background())
	want := []string{
		"web on node1: rr1 and rr2 have another route to 203.0.113.1 by node2, where no VM has that address",
		"on node2: rr1 and rr2 have a route to 203.0.113.4 by node2, where no VM has that address",
		"on node3: rr1 and rr2 have a route to 203.0.113.5 by node3, where no VM has that address",
	}
	if diff := cmp.Diff(want, notable(l)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(l.Findings) != 3 || len(l.VMs) != 1 {
		t.Errorf("%+v", l)
	}
	// One node's list is about that node.
	if diff := cmp.Diff(want[2:], notable(f.control().List(context.Background(), "node3"))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// One VM's is about that VM.
	found, err := f.control().Find(context.Background(), "web")
	if diff := cmp.Diff(want[:1], notable(found)); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// What has just changed while the VMs were looked at has not failed.
func TestListLooksAgain(t *testing.T) {
	f := movable(t)
	f.put("node2", "new", "203.0.113.2", "", PhaseLive)
	f.mute["node2"] = true // its FRR is at it
	c := f.control()
	const hosts = 3 + 2
	connect, asked := c.Connect, 0
	c.Connect = func(ctx context.Context, host string) (step.Host, error) {
		f.mu.Lock()
		asked++
		f.mute["node2"] = asked <= hosts
		f.mu.Unlock()
		return connect(ctx, host)
	}
	if got := notable(c.List(context.Background())); len(got) > 0 || asked != 2*hosts {
		t.Errorf("%d hosts were asked: %q", asked, got)
	}
	// Where nothing is wrong, nobody is asked twice.
	if c.List(context.Background()); asked != 3*hosts {
		t.Errorf("%d hosts were asked", asked-2*hosts)
	}
	// What is wrong with a VM that is not asked for does not matter.
	f.agents["node2"]["new"].Problem = "interface new_net0: it is a bridge"
	if _, err := c.Find(context.Background(), "web"); err != nil || asked != 4*hosts {
		t.Errorf("%d hosts were asked, %v", asked-3*hosts, err)
	}
}

func TestConfirmed(t *testing.T) {
	a, b := netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("203.0.113.2")
	first := []Finding{{VM: "web", Node: "node1", Status: Bad}, {Node: "node2", Addr: a, Status: Bad}, {VM: "db", Node: "node1", Status: Warn}}
	second := []Finding{
		{VM: "web", Node: "node1", Status: Bad, Hint: "h"}, {VM: "web", Node: "node2", Status: Bad, Hint: "h"}, {VM: "db", Node: "node1", Status: Bad, Hint: "h"},
		{Node: "node2", Addr: a, Status: Bad, Hint: "h"}, {Node: "node2", Addr: b, Status: Bad, Hint: "h"}, {VM: "x", Node: "node1", Status: NotChecked, Hint: "h"},
	}
	var got []Status
	for _, f := range Confirmed(first, second) {
		got = append(got, f.Status)
		if (f.Hint == "h") != (f.Status != Warn) {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff([]Status{Bad, Warn, Warn, Bad, Warn, NotChecked}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRemove(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "web", "203.0.113.1", "", PhaseLive)
	f.put("node2", "web", "203.0.113.1", "", PhaseMigrating)
	f.down["node3"] = true
	removed, silent, err := f.control().Remove(context.Background(), "web")
	if err != nil || len(removed) != 2 || f.has("web") != "" {
		t.Errorf("%v %v, left: %s", removed, err, f.has("web"))
	}
	if len(silent) == 0 || silent[0].Host != "node3" {
		t.Errorf("silent: %v", silent)
	}
	if silent, err := f.control().AwaitGone(context.Background(), removed); err != nil || silent != nil {
		t.Errorf("%v %v", silent, err)
	}
	f.stranger["203.0.113.1"] = "node2"
	_, err = f.control().AwaitGone(context.Background(), removed)
	wantError(t, err, Refused, "still has 203.0.113.1 by node2", "ipfabric verify")

	_, _, err = f.control().Remove(context.Background(), "web")
	wantError(t, err, Unanswered, "whether there is a VM web is not known", "node3 does not answer", "node3")
	delete(f.down, "node3")
	var missing *NotFoundError
	if _, _, err = f.control().Remove(context.Background(), "web"); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestAgentErrors(t *testing.T) {
	c := &Control{Fabric: steptest.ParseFabric(t, FabricText)}
	wantError(t, c.agentError("node1", steptest.Status(127)), Unanswered, "the agent is not installed on node1", "init --limit node1")
	wantError(t, c.agentError("node1", steptest.Status(1)), Unanswered, "node1: exit status 1", "ipfabric-agent status")
	lost := noConnection("node1")
	if got := c.agentError("node1", lost); got != lost {
		t.Errorf("got %v", got)
	}
	wantError(t, c.agentError("node1", noConnection("jump host bastion")), Unanswered, "node1: jump host bastion", "ipfabric-agent status")
}

// readRoutes reads what a router really said.
func readRoutes(t *testing.T, files ...string) bgp.Routes {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "fabric.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	fabric, r := steptest.ParseFabric(t, string(text)), bgp.Routes{}
	for _, file := range files {
		out, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Read(fabric, string(out)); err != nil {
			t.Fatal(file, err)
		}
	}
	return r
}

func TestReadRoutesOfFRR(t *testing.T) {
	a4, a6 := netip.MustParseAddr("203.0.113.2"), netip.MustParseAddr("2001:db8:100::2")
	for _, files := range [][]string{{"8.4-rr1-few.vtysh"}, {"8.4-rr1-table4.vtysh", "8.4-rr1-table6.vtysh"}} {
		r := readRoutes(t, files...)
		both := len(files) == 2 // when the other was recorded node1 had no session yet
		for _, a := range []netip.Addr{a4, a6} {
			if r.Best(a) != "node2" || !r.From(a, "node2") || r.From(a, "node1") != both {
				t.Errorf("%s: %s: %v", files, a, r[a])
			}
		}
		if got := r.Best(netip.MustParseAddr("203.0.113.77")); got != "" {
			t.Errorf("%s: a route to nowhere by %s", files, got)
		}
	}
	for _, file := range []string{"7.5-own-few.vtysh", "7.5-own-table.vtysh", "10.3-own-few.vtysh", "10.3-own-table.vtysh"} {
		r := readRoutes(t, file)
		for _, a := range []string{"203.0.113.1", "2001:db8:100::1"} {
			if len(r) != 2 || r.Best(netip.MustParseAddr(a)) == "" {
				t.Errorf("%s: %v", file, r)
			}
		}
	}
	// A node prefers its own route, and has heard of the other.
	r := readRoutes(t, "8.4-node1-few.vtysh")
	if !r.From(a4, "node2") || !r.From(a6, "node2") || r.Best(a4) == "node2" {
		t.Errorf("node1: %v", r)
	}
}

func TestReadRoutesThatAreNone(t *testing.T) {
	f := steptest.ParseFabric(t, FabricText)
	for _, out := range []string{"", "% Network not in table\n", "{\n}\n", "{}", "BGP instance not found\n{}\n"} {
		r := bgp.Routes{}
		if err := r.Read(f, out); err != nil || len(r) != 0 {
			t.Errorf("%q: %v, %v", out, r, err)
		}
	}
	if err := (bgp.Routes{}).Read(f, `{"prefix": "203.0.1`); err == nil {
		t.Error("what breaks off was taken")
	}
}

func FuzzReadRoutes(f *testing.F) {
	f.Add(`{"prefix":"203.0.113.1/32","paths":[{"bestpath":{"overall":true},"nexthops":[{"ip":"10.10.0.21"}]}]}`)
	f.Add(`{"routes":{"203.0.113.1/32":[{"bestpath":true,"peerId":"10.10.0.21"}]}}`)
	fabric := steptest.ParseFabric(f, FabricText)
	f.Fuzz(func(t *testing.T, out string) {
		r := bgp.Routes{}
		_ = r.Read(fabric, out)
		for a := range r {
			_ = r.Best(a)
		}
	})
}

func TestGuestSettings(t *testing.T) {
	f := steptest.ParseFabric(t, FabricText)
	both := *newVM("web", PhaseLive)
	both.IPv4, both.IPv6, both.MAC = netip.MustParseAddr("203.0.113.1"), netip.MustParseAddr("2001:db8:100::1"), vm.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}
	four, six := *newVM("web", PhaseLive), *newVM("web", PhaseLive)
	four.IPv4, six.IPv6 = both.IPv4, both.IPv6
	for name, v := range map[string]VM{"both": both, "ipv4": four, "ipv6": six} {
		var formats []string
		for _, g := range GuestSettingsOf(f, v, "eth0") {
			formats = append(formats, g.Format)
			steptest.Golden(t, filepath.Join("guest", name+"."+g.Format), []byte(g.Text))
		}
		if diff := cmp.Diff(GuestFormats(), formats); diff != "" {
			t.Error(diff)
		}
	}
}

func TestCheckGuestDevice(t *testing.T) {
	for name, ok := range map[string]bool{"eth0": true, "enp1s0": true, "": false, "a b": false, "-x": false, "$(id)": false, "sixteencharacter": false} {
		if err := CheckGuestDevice(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// noConnection is the error of the connection to that host.
type noConnection string

func (e noConnection) Error() string         { return string(e) + " (10.0.0.1:22) lost the connection" }
func (e noConnection) UnreachedHost() string { return string(e) }
