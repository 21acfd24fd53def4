package vms

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step/steptest"
)

// A world is a fabric with two nodes and one reflector of which everything is
// known.
type world struct{ Observation }

func newWorld(t *testing.T) *world {
	f := steptest.ParseFabric(t, FabricText)
	f.RouteReflectors[1].Managed = false
	f.Nodes = f.Nodes[:2]
	w := &world{NewObservation(f)}
	for i := range w.Nodes {
		w.Nodes[i].Status.Healthy, w.Nodes[i].Status.Protocol = true, vm.Protocol
	}
	w.RRs[0].Tables = bgp.Tables{Routes: bgp.Routes{}, Tagged: map[inventory.Community]bgp.Routes{f.Communities[0]: {}}}
	return w
}

func (w *world) node(name string) *NodeFacts {
	for i := range w.Nodes {
		if w.Nodes[i].Node.Name == name {
			return &w.Nodes[i]
		}
	}
	return nil
}

// vm adds a VM that is as it should be, changed by edit.
func (w *world) vm(node, name, addr string, edit func(*VM)) {
	v := *newVM(name, PhaseLive)
	v.Node, v.IPv4 = node, netip.MustParseAddr(addr)
	v.Present, v.Carrier, v.Routes, v.Announced = true, true, 1, true
	if edit != nil {
		edit(&v)
	}
	n := w.node(node)
	n.VMs = append(n.VMs, v)
}

// route gives rr1 a route by a node, or by an address.
func (w *world) route(addr, node string) {
	t, a := w.RRs[0].Tables, netip.MustParseAddr(addr)
	t.Routes[a] = append(t.Routes[a], bgp.Path{Node: node, Best: len(t.Routes[a]) == 0})
	tagged := t.Tagged[w.Fabric.Communities[0]]
	tagged[a] = append(tagged[a], bgp.Path{Node: node})
}

// judged has a line for each finding that is not OK: of what, its status, code,
// text, and a line for its hint.
func (w *world) judged() []string {
	var out []string
	for _, f := range Judge(w.Observation) {
		if f.Status == OK {
			continue
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s on %s %s %s: %s", f.VM, f.Node, f.Status, f.Code, f.Text)))
		if f.Hint != "" {
			out = append(out, "  "+f.Hint)
		}
	}
	return out
}

func TestJudgeVMs(t *testing.T) {
	const addr = "203.0.113.1"
	withdrawn := func(v *VM) { v.Phase, v.Routes, v.Announced = PhaseWithdrawn, 0, false }
	off := func(v *VM) {
		v.Phase, v.Source, v.Present, v.Carrier, v.Routes, v.Announced = PhaseOff, "libvirt", false, false, 0, false
	}
	on1 := "ssh root@10.10.0.21 "
	show := on1 + "/usr/local/bin/ipfabric-agent vm show web"
	tests := []struct {
		name  string
		build func(w *world)
		want  []string // nil: well
	}{
		{"well", func(w *world) { w.vm("node1", "web", addr, nil); w.route(addr, "node1") }, nil},
		{"a problem", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Problem, v.Announced = "interface web_net0: it is a bridge", false })
		}, []string{"web on node1 failed problem: interface web_net0: it is a bridge", "  more: " + show}},
		{"a tap that is gone", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Present, v.Routes, v.Announced = false, 0, false })
		}, []string{"web on node1 failed no-interface: its interface web_net0 is missing", "  more: " + show}},
		{"not announced, who knows why", func(w *world) { w.vm("node1", "web", addr, func(v *VM) { v.Announced = false }) },
			[]string{"web on node1 failed not-announced: the agent of node1 does not announce it", "  more: " + show}},
		{"outside the pools", func(w *world) { w.vm("node1", "web", "192.0.2.1", nil) }, []string{
			"web on node1 failed outside-pools: 192.0.2.1 is in none of the fabric's pools, so FRR does not announce it",
			"  add its network to the pools of the inventory, or give the VM another address"}},
		{"without a guest, and FRR does not announce it", func(w *world) { w.vm("node1", "web", addr, func(v *VM) { v.Carrier = false }) }, []string{
			"web on node1 warning no-guest: no guest is attached to web_net0: nothing answers for it",
			"  start the guest, or take the VM's route back: " + on1 + "/usr/local/bin/ipfabric-agent vm phase web withdrawn"}},
		{"FRR is broken", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.node("node1").FRR = "bgpd does not run"
		}, []string{
			"on node1 failed frr-down: FRR announces none of its VMs: bgpd does not run", "  `ipfabric verify` looks at its FRR; there: " + on1 + "systemctl status frr",
			"web on node1 failed no-route: rr1 has no route to 203.0.113.1 by node1", "  first the FRR of node1: bgpd does not run"}},
		{"the agent says that FRR is broken", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Carrier = false })
			w.node("node1").Status.FRR.Error = "bgpd is not running"
		}, []string{
			"on node1 failed frr-down: FRR announces none of its VMs: bgpd is not running", "  `ipfabric verify` looks at its FRR; there: " + on1 + "systemctl status frr",
			"web on node1 warning no-guest: no guest is attached to web_net0: nothing answers for it",
			"  start the guest, or take the VM's route back: " + on1 + "/usr/local/bin/ipfabric-agent vm phase web withdrawn"}},
		{"a route stays", func(w *world) { w.vm("node1", "web", addr, withdrawn); w.route(addr, "node1") }, []string{
			"web on node1 failed route-left: rr1 has a route to 203.0.113.1 by node1, though it is withdrawn",
			"  where it comes from: " + on1 + "ip route show 203.0.113.1/32"}},
		{"withdrawn on the other node", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.vm("node2", "web", addr, withdrawn)
			w.route(addr, "node1")
		}, []string{"web on node1 warning move-cut-off: it is on node2 too, which does not announce it",
			"  if no move is running, `ipfabric vm move web --to node1` takes it from node2"}},
		{"withdrawn on both nodes", func(w *world) {
			w.vm("node1", "web", addr, withdrawn)
			w.vm("node2", "web", addr, withdrawn)
		}, []string{
			"web on node1 warning move-cut-off: it is on node2 too, which does not announce it",
			"  if no move is running, `ipfabric vm move web --to node1` takes it from node2",
			"web on node2 warning move-cut-off: it is on node1 too, which does not announce it",
			"  if no move is running, `ipfabric vm move web --to node2` takes it from node1"}},
		{"libvirt is about to migrate it", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Source = "libvirt" })
			w.route(addr, "node1")
			w.vm("node2", "web", addr, func(v *VM) { v.Phase, v.Source, v.Routes, v.Announced = PhaseWaiting, "libvirt", 0, false })
		}, nil},
		{"a move's last step is lacking", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Phase = PhaseMigrating })
			w.route(addr, "node1")
		}, []string{"web on node1 warning move-cut-off: it is still preferred over other nodes, of which none announces it any more: a move was cut off",
			"  `ipfabric vm move web --to node1` finishes it"}},
		{"libvirt has migrated it", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Phase, v.Source = PhaseMigrating, "libvirt" })
			w.route(addr, "node1")
		}, nil},
		{"libvirt migrates it", func(w *world) {
			w.vm("node1", "web", addr, func(v *VM) { v.Source = "libvirt" })
			w.route(addr, "node1")
			w.vm("node2", "web", addr, func(v *VM) { v.Phase, v.Source, v.Carrier = PhaseMigrating, "libvirt", true })
			w.route(addr, "node2")
		}, []string{
			"web on node1 warning moving: it is moving from node1 to node2: both announce it, and node2 is preferred", "  libvirt moves it, and the agents follow: look again when it has ended",
			"web on node2 warning moving: it is moving from node1 to node2: both announce it, and node2 is preferred", "  libvirt moves it, and the agents follow: look again when it has ended"}},
		{"two VMs", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.vm("node2", "db", addr, withdrawn)
		}, []string{
			"web on node1 warning address-clash: 203.0.113.1 is also the address of VM db on node2", "  give one of the two another address",
			"db on node2 warning address-clash: 203.0.113.1 is also the address of VM web on node1", "  give one of the two another address"}},
		{"two VMs, both announced", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.vm("node2", "db", addr, nil)
			w.route(addr, "node2")
		}, []string{
			"web on node1 failed address-clash: 203.0.113.1 is also the address of VM db on node2", "  give one of the two another address",
			"db on node2 failed address-clash: 203.0.113.1 is also the address of VM web on node1", "  give one of the two another address"}},
		{"off, and its address is its own", func(w *world) { w.vm("node1", "web", addr, off) }, nil},
		{"off, and still announced", func(w *world) { w.vm("node1", "web", addr, off); w.route(addr, "node1") }, []string{
			"web on node1 failed route-left: rr1 has a route to 203.0.113.1 by node1, though it is off",
			"  where it comes from: " + on1 + "ip route show 203.0.113.1/32"}},
		{"off where it was migrated from", func(w *world) {
			w.vm("node1", "web", addr, off)
			w.vm("node2", "web", addr, func(v *VM) { v.Source = "libvirt" })
			w.route(addr, "node2")
		}, nil},
		{"off, and another VM has its address", func(w *world) {
			w.vm("node1", "web", addr, off)
			w.vm("node2", "db", addr, nil)
			w.route(addr, "node2")
		}, []string{
			"web on node1 warning address-clash: 203.0.113.1 is also the address of VM db on node2", "  give one of the two another address before both run",
			"db on node2 warning address-clash: 203.0.113.1 is also the address of VM web on node1, which is off", "  give one of the two another address before both run"}},
		{"off, and another VM on its node has its address", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.vm("node1", "copy", addr, off)
			w.route(addr, "node1")
		}, []string{
			"web on node1 warning address-clash: 203.0.113.1 is also the address of VM copy on node1, which is off", "  give one of the two another address before both run",
			"copy on node1 warning address-clash: 203.0.113.1 is also the address of VM web on node1", "  give one of the two another address before both run"}},
		{"off, and somebody announces its address", func(w *world) { w.vm("node1", "web", addr, off); w.route(addr, "10.10.0.66") }, []string{
			"web on node1 failed hijacked: rr1 has another route to 203.0.113.1 by 10.10.0.66, which is no node of the inventory",
			`  which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv4 unicast 203.0.113.1/32'"`,
			"on 10.10.0.66 failed stray: rr1 has a route to 203.0.113.1 by 10.10.0.66, which is no node of the inventory",
			`  which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv4 unicast 203.0.113.1/32'"`}},
		{"off on a node that is drained", func(w *world) { w.vm("node1", "web", addr, off); w.node("node1").Status.Drained = true }, nil},
		{"a stray route to a VM", func(w *world) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.route(addr, "node2")
		}, []string{
			"web on node1 failed hijacked: rr1 has another route to 203.0.113.1 by node2, where no VM has that address",
			"  is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: ssh root@10.10.0.22 ip route show 203.0.113.1/32",
			"on node2 failed stray: rr1 has a route to 203.0.113.1 by node2, where no VM has that address",
			"  is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: ssh root@10.10.0.22 ip route show 203.0.113.1/32"}},
		{"a stray next hop", func(w *world) { w.route("2001:db8:100::9", "fd00:10::66") }, []string{
			"on fd00:10::66 failed stray: rr1 has a route to 2001:db8:100::9 by fd00:10::66, which is no node of the inventory",
			`  which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv6 unicast 2001:db8:100::9/128'"`}},
		{"a stray route of an agent with problems", func(w *world) {
			w.route("2001:db8:100::9", "node1")
			w.node("node1").Status.Healthy, w.node("node1").Status.Problems = false, []string{"the disk is full"}
		}, []string{
			"on node1 failed agent-unhealthy: the agent is not healthy: the disk is full", "  more: " + on1 + "/usr/local/bin/ipfabric-agent status",
			"on node1 not-checked stray: rr1 has a route to 2001:db8:100::9 by node1, where no VM has that address, and its agent has problems",
			"  first the agent there: " + on1 + "/usr/local/bin/ipfabric-agent status"}},
		{"a route outside the pools", func(w *world) { w.route("192.0.2.1", "node1") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			tt.build(w)
			if diff := cmp.Diff(tt.want, w.judged()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
