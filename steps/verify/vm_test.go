package verify

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/vms"
)

// VMs as real agents described them, and as FRR 8.4.4 (rr1) and 10.3 (rr2) had
// them.
func TestVerifyVMs(t *testing.T) {
	tests := []struct {
		scenario string
		healthy  bool
		want     []string
	}{
		{"healthy", true, nil},
		{"vm-moving", true, []string{
			"vm web on node1 warning: it is moving from node1 to node2: both announce it, and node2 is preferred",
			"  if no move is running, `ipfabric vm move web --to node2` finishes it",
			"vm web on node2 warning: it is moving from node1 to node2: both announce it, and node2 is preferred",
			"  if no move is running, `ipfabric vm move web --to node2` finishes it"}},
		{"vm-doubled", false, []string{
			"vm web on node1 failed: node2 announces it too: only one of the two can have it",
			"  where is the guest? `ipfabric vm move web --to NODE`, with that node, takes it from the other",
			"vm web on node2 failed: node1 announces it too: only one of the two can have it",
			"  where is the guest? `ipfabric vm move web --to NODE`, with that node, takes it from the other"}},
		{"vm-states", true, []string{
			"vm lost on node2 warning: its interface lost_net0 is not there: is the guest off?",
			"  the agent takes the interface up when the hypervisor makes it",
			"vm shop on node2 warning: no guest is attached to shop_net0: nothing answers for it",
			"  start the guest, or take the VM's route back: ssh root@10.10.0.22 /usr/local/bin/ipfabric-agent vm phase shop withdrawn",
			"vm tap on node2 warning: no guest is attached to tap_net0: nothing answers for it",
			"  start the guest, or take the VM's route back: ssh root@10.10.0.22 /usr/local/bin/ipfabric-agent vm phase tap withdrawn"}},
		{"vm-stray", false, []string{
			"vm on node2 failed: rr1 and rr2 have a route to 203.0.113.9 by node2, where no VM has that address",
			"  is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: ssh root@10.10.0.22 ip route show 203.0.113.9/32"}},
		{"vm-no-community", false, []string{
			"vm mail on node1 failed: rr1 and rr2 have the route to 203.0.113.3 without the community 65000:100: the core gateways drop it",
			"  `ipfabric plan --limit node1,rr1` shows what is not as it should be in their FRR"}},
		{"vm-filtered", false, []string{
			"vm mail on node1 failed: rr1 and rr2 have no route to 203.0.113.3 by node1",
			"  are the sessions of node1 well? What its FRR has: ssh root@10.10.0.21 \"vtysh -c 'show bgp ipv4 unicast 203.0.113.3/32'\""}},
	}
	for _, tt := range tests {
		t.Run(tt.scenario, func(t *testing.T) {
			expect(t, recorded(t, tt.scenario).verify(t), tt.healthy, tt.want...)
		})
	}
}

// vmLines has a line for each VM.
func vmLines(r *Report) []string {
	var out []string
	for _, v := range r.VMs {
		line := fmt.Sprintf("%s %s %s %s:", v.Node, v.VM, v.State, v.Status)
		for _, s := range v.Seen {
			line += " " + s.RR + "=" + s.Status
		}
		out = append(out, line)
	}
	return out
}

func TestVerifyVMStates(t *testing.T) {
	r := recorded(t, "vm-states").verify(t)
	want := []string{
		"node1 db withdrawn ok: rr1=no rr2=no",
		"node1 mail waiting ok: rr1=no rr2=no",
		"node1 web announced ok: rr1=yes rr2=yes",
		"node2 lost no interface warning: rr1=no rr2=no",
		"node2 sea_gold announced ok: rr1=yes rr2=yes",
		"node2 shop no guest warning: rr1=yes rr2=yes",
		"node2 tap no guest warning: rr1=yes rr2=yes",
	}
	if diff := cmp.Diff(want, vmLines(r)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := r.VMs[0].Detail; got != "it is withdrawn" {
		t.Errorf("db: %q", got)
	}
}

func TestVerifyVMsOfDrainedNode(t *testing.T) {
	fleet := recorded(t, "vm-drained")
	fleet.hosts["node2"].Answers[askStatus] = `{"protocol":1,"healthy":true,"drained":true}`
	r := fleet.verify(t)
	expect(t, r, true)
	if got := vmLines(r)[3:]; got[0] != "node2 sea_gold drained ok: rr1=no rr2=no" || r.VMs[3].Detail != "node2 is drained" {
		t.Errorf("got %q, %+v", got, r.VMs[3])
	}
	// The same without a reason.
	fleet.hosts["node2"].Answers[askStatus] = agentWell
	expect(t, fleet.verify(t), false,
		"vm sea_gold on node2 failed: 0 of its 2 routes are in the kernel of node2",
		"  more: ssh root@10.10.0.22 /usr/local/bin/ipfabric-agent vm show sea_gold",
		"vm shop on node2 failed: 0 of its 2 routes are in the kernel of node2",
		"  more: ssh root@10.10.0.22 /usr/local/bin/ipfabric-agent vm show shop")
}

// What is not known of a node is not called wrong.
func TestVerifyVMsOfSilentNode(t *testing.T) {
	tests := []struct {
		name    string
		breakIt func(*fakeFleet)
		want    string
	}{
		{"host down", func(fl *fakeFleet) { fl.down["node2"] = refused{} }, "node2 cannot be reached"},
		{"agent down", func(fl *fakeFleet) {
			fl.hosts["node2"].Status[askStatus], fl.hosts["node2"].Status[askVMList] = 1, 1
			fl.hosts["node2"].Answers[askStatus] = ""
		}, "the agent gives no answer: exit status 1"},
		{"list cut off", func(fl *fakeFleet) { fl.hosts["node2"].Answers[askVMList] = "[{" },
			"its agent does not list them: the agent's list of VMs cannot be read: unexpected end of JSON input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fleet := recorded(t, "vm-stray")
			tt.breakIt(fleet)
			r := fleet.verify(t)
			want := []string{"vm on node2 not-checked: which VMs node2 has is not known: " + tt.want + "; the route reflectors have 5 routes by it"}
			if diff := cmp.Diff(want, about(r, "vm ")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if last := r.VMs[len(r.VMs)-1]; last.State != "unknown" || len(r.VMs) != 4 || r.Healthy {
				t.Errorf("got %+v", r.VMs)
			}
		})
	}
}

// A VM that a silent node may have as well is not called wrong either.
func TestVerifyVMMayBeOnSilentNode(t *testing.T) {
	fleet := recorded(t, "vm-doubled")
	fleet.hosts["node2"].Status[askVMList] = 1
	want := []string{"vm web on node1 not-checked: rr1 and rr2 have another route to 203.0.113.1 by node2, and why is not known: its agent does not list them: exit status 1; " +
		"rr1 and rr2 have another route to 2001:db8:100::1 by node2, and why is not known: its agent does not list them: exit status 1"}
	if diff := cmp.Diff(want, about(fleet.verify(t), "vm web")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestVerifyVMsOfSilentReflector(t *testing.T) {
	for name, text := range map[string]string{
		"no answer":   "",
		"no tables":   recording(t, "healthy", "rr2.vtysh") + "% Unknown command: show bgp ipv4 unicast json\n",
		"cut off":     recording(t, "healthy", "rr2.vtysh") + `{ "routes": { "203.0.113.1/32": [{"valid":true,`,
		"not a table": recording(t, "healthy", "rr2.vtysh") + "{ \"routes\": 7 }\n",
	} {
		t.Run(name, func(t *testing.T) {
			fleet := recorded(t, "healthy")
			fleet.editAnswer(t, "rr2", func(string) string { return text })
			r := fleet.verify(t)
			got := about(r, "vm ")
			if len(got) != 5 || !strings.HasPrefix(got[0], "vm db on node1 not-checked: whether rr2 has it is not known: ") {
				t.Errorf("got %q", got)
			}
			if name == "no answer" {
				return
			}
			// The sessions are looked at nonetheless.
			if len(findings(r)) != 5 || r.VMs[0].Seen[1].Status != vms.SeenUnknown {
				t.Errorf("got %q", findings(r))
			}
		})
	}
}

func TestVerifyVMsUnmanagedReflector(t *testing.T) {
	fleet := recorded(t, "healthy")
	fleet.f = verifyFabric(t, func(s string) string {
		return strings.Replace(s, `"fd00:10::12"]`, `"fd00:10::12"], managed: false`, 1)
	})
	fleet.down["rr2"] = errors.New("rr2 must not be connected")
	r := fleet.verify(t)
	expect(t, r, true)
	if got := vmLines(r)[0]; got != "node1 db announced ok: rr1=yes" {
		t.Errorf("got %q", got)
	}
}

// turning is a host that answers as another does from the second time on.
type turning struct {
	*steptest.Host
	then  *steptest.Host
	asked *sync.Map
}

func (h turning) Query(ctx context.Context, argv ...string) (string, error) {
	if _, again := h.asked.LoadOrStore(strings.Join(argv, " "), true); again {
		return h.then.Query(ctx, argv...)
	}
	return h.Host.Query(ctx, argv...)
}

func changing(first, then *fakeFleet) connector {
	hosts := map[string]step.Host{}
	for name, h := range first.hosts {
		hosts[name] = turning{h, then.hosts[name], &sync.Map{}}
	}
	return run.Sharing(func(_ context.Context, name string) (step.Host, error) { return hosts[name], nil })
}

// VMs come and go while verify looks: what has become right by then was none of
// its business, and what has just become wrong is to be looked at again. It
// asks anew, though it shares what it asks with a plan.
func TestVerifyVMsChangeMeanwhile(t *testing.T) {
	wrong, well := recorded(t, "vm-filtered"), recorded(t, "healthy")
	expect(t, verify(t.Context(), wrong.f, changing(wrong, well), nil, nil, 0), true)

	expect(t, verify(t.Context(), wrong.f, changing(wrong, recorded(t, "vm-stray")), nil, nil, 0), true,
		"vm on node2 warning: rr1 and rr2 have a route to 203.0.113.9 by node2, where no VM has that address",
		"  this has just changed, and may be right in a moment: look again")
}

// Where nothing is wrong, nobody is asked twice.
func TestVerifyVMsAsksOnce(t *testing.T) {
	fleet := recorded(t, "healthy")
	connects := make(chan string, 100)
	verify(t.Context(), fleet.f, func(ctx context.Context, name string) (step.Host, error) {
		connects <- name
		return fleet.connect(ctx, name)
	}, nil, nil, 0)
	if len(connects) != 5 {
		t.Errorf("%d connections", len(connects))
	}
}

func TestVMCheckConcerns(t *testing.T) {
	seen := []vms.Seen{{RR: "rr1", Status: vms.SeenYes}, {RR: "rr2", Status: vms.SeenNo}}
	bad, well := VMCheck{VM: "web", Node: "node1", Status: Bad, Seen: seen}, VMCheck{VM: "web", Node: "node1", Status: OK, Seen: seen}
	stray := VMCheck{Node: "node2", State: "stray", Status: Bad, Seen: seen[:1]}
	for _, tt := range []struct {
		c    VMCheck
		host string
		want bool
	}{
		{bad, "node1", true}, {bad, "node2", false}, {bad, "rr1", false}, {bad, "rr2", true}, {well, "rr1", true}, {well, "mx1", false},
		{stray, "rr1", true}, {stray, "rr2", false}, {stray, "node2", true},
	} {
		if got := tt.c.Concerns(tt.host); got != tt.want {
			t.Errorf("%+v, %s: %t", tt.c, tt.host, got)
		}
	}
}

// By node: its VMs, then its stray routes; those of routers that are no node are
// last. A node whose VMs are not known has one entry.
func TestVMChecksHaveTheirOrder(t *testing.T) {
	f := verifyFabric(t, nil)
	o := vms.NewObservation(f)
	o.Nodes[0].VMs = []vms.VM{{Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "app"}}}, {Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "web"}}}}
	a4, a6 := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:100::9")
	var got []string
	for _, c := range vmChecks(o, []vms.Finding{
		{Node: "10.10.0.66", Addr: a6, RRs: []string{"rr1", "rr2"}, Code: vms.Stray, Status: Bad, Text: "outside"},
		{Node: "node2", Code: vms.VMsUnknown, Status: NotChecked, Text: "unknown", Hint: "h"},
		{Node: "node1", Addr: a4, Code: vms.Stray, Status: Bad, Text: "stray", Hint: "h"},
		{Node: "node1", Code: vms.AgentUnhealthy, Status: Bad, Text: "stands with the node's checks"},
		{VM: "web", Node: "node1", Status: Warn, Text: "less"},
		{VM: "web", Node: "node1", Status: Bad, Text: "first", Hint: "h"},
		{VM: "web", Node: "node1", Status: Bad, Text: "second", Hint: "i"},
	}) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %v%v %s %s: %s (%s) %v", c.Node, c.VM, c.IPv4, c.IPv6, c.State, c.Status, c.Detail, c.Hint, c.Seen)))
	}
	const none = "invalid IP"
	want := []string{
		"node1 app " + none + none + " no interface ok:  () []",
		"node1 web " + none + none + " no interface failed: first; second (h) []",
		"node1  203.0.113.9" + none + " stray failed: stray (h) []",
		"node2  " + none + none + " unknown not-checked: unknown (h) []",
		"10.10.0.66  " + none + "2001:db8:100::9 stray failed: outside () [{rr1 yes} {rr2 yes}]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
