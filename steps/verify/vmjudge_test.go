package verify

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/bgp"
	"ipfabric/steps/vms"
)

// A vmWorld is a fabric with two nodes and one reflector of which everything is
// known.
type vmWorld struct {
	f      *inventory.Fabric
	sights []*sight
}

func newVMWorld(t *testing.T) *vmWorld {
	w := &vmWorld{f: verifyFabric(t, nil)}
	w.f.RouteReflectors[1].Managed = false
	w.sights = newSights(w.f)
	for _, s := range w.sights {
		s.vms.healthy = true
		s.tables = bgp.Tables{Routes: bgp.Routes{}, Tagged: map[inventory.Community]bgp.Routes{w.f.Communities[0]: {}}}
	}
	return w
}

func (w *vmWorld) sight(name string) *sight {
	for _, s := range w.sights {
		if s.host.Name == name {
			return s
		}
	}
	return nil
}

// vm adds a VM that is as it should be, changed by edit.
func (w *vmWorld) vm(node, name, addr string, edit func(*vms.VM)) {
	v := vms.VM{Observed: vm.Observed{VM: vm.VM{Name: name, Interface: name + "_net0", Link: vm.Tap, Phase: vms.PhaseLive, Source: vms.SourceAPI}}}
	v.Node, v.IPv4 = node, netip.MustParseAddr(addr)
	v.Present, v.Carrier, v.Routes, v.Announced = true, true, 1, true
	if edit != nil {
		edit(&v)
	}
	s := w.sight(node)
	s.vms.vms = append(s.vms.vms, v)
}

// route gives rr1 a route by a node, or by an address.
func (w *vmWorld) route(addr, node string) {
	t, a := w.sight("rr1").tables, netip.MustParseAddr(addr)
	t.Routes[a] = append(t.Routes[a], bgp.Path{Node: node, Best: len(t.Routes[a]) == 0})
	tagged := t.Tagged[w.f.Communities[0]]
	tagged[a] = append(tagged[a], bgp.Path{Node: node})
}

func TestJudgeVMs(t *testing.T) {
	const addr = "203.0.113.1"
	withdrawn := func(v *vms.VM) { v.Phase, v.Routes, v.Announced = vms.PhaseWithdrawn, 0, false }
	off := func(v *vms.VM) {
		v.Phase, v.Source, v.Present, v.Carrier, v.Routes, v.Announced = vms.PhaseOff, "libvirt", false, false, 0, false
	}
	on1 := "ssh root@10.10.0.21 "
	show := on1 + "/usr/local/bin/ipfabric-agent vm show web"
	tests := []struct {
		name  string
		build func(w *vmWorld)
		want  []string // nil: well
	}{
		{"well", func(w *vmWorld) { w.vm("node1", "web", addr, nil); w.route(addr, "node1") }, nil},
		{"a problem", func(w *vmWorld) {
			w.vm("node1", "web", addr, func(v *vms.VM) { v.Problem, v.Announced = "interface web_net0: it is a bridge", false })
		}, []string{"web on node1 failed: interface web_net0: it is a bridge", "more: " + show}},
		{"a tap that is gone", func(w *vmWorld) {
			w.vm("node1", "web", addr, func(v *vms.VM) { v.Present, v.Routes, v.Announced = false, 0, false })
		}, []string{"web on node1 failed: its interface web_net0 is missing", "more: " + show}},
		{"not announced, who knows why", func(w *vmWorld) { w.vm("node1", "web", addr, func(v *vms.VM) { v.Announced = false }) },
			[]string{"web on node1 failed: the agent of node1 does not announce it", "more: " + show}},
		{"outside the pools", func(w *vmWorld) { w.vm("node1", "web", "192.0.2.1", nil) }, []string{
			"web on node1 failed: 192.0.2.1 is in none of the fabric's pools, so FRR does not announce it",
			"add its network to the pools of the inventory, or give the VM another address"}},
		{"without a guest, and FRR does not announce it", func(w *vmWorld) { w.vm("node1", "web", addr, func(v *vms.VM) { v.Carrier = false }) }, []string{
			"web on node1 warning: no guest is attached to web_net0: nobody answers for it",
			"start the guest, or take the VM's route back: " + on1 + "/usr/local/bin/ipfabric-agent vm phase web withdrawn"}},
		{"FRR is broken", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.sight("node1").checks = []Check{{Name: checkFRR, Status: Bad}}
		}, []string{"web on node1 failed: rr1 has no route to 203.0.113.1 by node1", "first node1: what is wrong with its FRR stands with its checks"}},
		{"a route stays", func(w *vmWorld) { w.vm("node1", "web", addr, withdrawn); w.route(addr, "node1") }, []string{
			"web on node1 failed: rr1 has a route to 203.0.113.1 by node1, though it is withdrawn",
			"where it comes from: " + on1 + "ip route show 203.0.113.1/32"}},
		{"withdrawn on the other node", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.vm("node2", "web", addr, withdrawn)
			w.route(addr, "node1")
		}, nil},
		{"a move's last step is lacking", func(w *vmWorld) {
			w.vm("node1", "web", addr, func(v *vms.VM) { v.Phase = vms.PhaseMigrating })
			w.route(addr, "node1")
		}, []string{"web on node1 warning: it is still preferred over other nodes, of which none announces it any more: a move was cut off",
			"`ipfabric vm move web --to node1` finishes it"}},
		{"libvirt has migrated it", func(w *vmWorld) {
			w.vm("node1", "web", addr, func(v *vms.VM) { v.Phase, v.Source = vms.PhaseMigrating, "libvirt" })
			w.route(addr, "node1")
		}, nil},
		{"libvirt migrates it", func(w *vmWorld) {
			w.vm("node1", "web", addr, func(v *vms.VM) { v.Source = "libvirt" })
			w.route(addr, "node1")
			w.vm("node2", "web", addr, func(v *vms.VM) { v.Phase, v.Source, v.Carrier = vms.PhaseMigrating, "libvirt", true })
			w.route(addr, "node2")
		}, []string{
			"web on node1 warning: it is moving from node1 to node2: both announce it, and node2 is preferred", "libvirt moves it, and the agents follow: look again when it has ended",
			"web on node2 warning: it is moving from node1 to node2: both announce it, and node2 is preferred", "libvirt moves it, and the agents follow: look again when it has ended"}},
		{"two VMs", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.vm("node2", "db", addr, withdrawn)
		}, []string{"web on node1 warning: 203.0.113.1 is also the address of VM db on node2", "give one of the two another address"}},
		{"two VMs, both announced", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.vm("node2", "db", addr, nil)
			w.route(addr, "node2")
		}, []string{
			"web on node1 failed: 203.0.113.1 is also the address of VM db on node2", "give one of the two another address",
			"db on node2 failed: 203.0.113.1 is also the address of VM web on node1", "give one of the two another address"}},
		{"off, and its address is its own", func(w *vmWorld) { w.vm("node1", "web", addr, off) }, nil},
		{"off, and still announced", func(w *vmWorld) { w.vm("node1", "web", addr, off); w.route(addr, "node1") }, []string{
			"web on node1 failed: rr1 has a route to 203.0.113.1 by node1, though it is off",
			"where it comes from: " + on1 + "ip route show 203.0.113.1/32"}},
		{"off where it was migrated from", func(w *vmWorld) {
			w.vm("node1", "web", addr, off)
			w.vm("node2", "web", addr, func(v *vms.VM) { v.Source = "libvirt" })
			w.route(addr, "node2")
		}, nil},
		{"off, and another VM has its address", func(w *vmWorld) {
			w.vm("node1", "web", addr, off)
			w.vm("node2", "db", addr, nil)
			w.route(addr, "node2")
		}, []string{
			"web on node1 warning: 203.0.113.1 is also the address of VM db on node2", "give one of the two another address before both run",
			"db on node2 warning: 203.0.113.1 is also the address of VM web on node1, which is off", "give one of the two another address before both run"}},
		{"off, and another VM on its node has its address", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.vm("node1", "copy", addr, off)
			w.route(addr, "node1")
		}, []string{
			"copy on node1 warning: 203.0.113.1 is also the address of VM web on node1", "give one of the two another address before both run",
			"web on node1 warning: 203.0.113.1 is also the address of VM copy on node1, which is off", "give one of the two another address before both run"}},
		{"off, and somebody announces its address", func(w *vmWorld) { w.vm("node1", "web", addr, off); w.route(addr, "10.10.0.66") }, []string{
			"web on node1 failed: rr1 has another route to 203.0.113.1 by 10.10.0.66, which is no node of the inventory",
			`which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv4 unicast 203.0.113.1/32'"`,
			" on 10.10.0.66 failed: rr1 has a route to 203.0.113.1 by 10.10.0.66, which is no node of the inventory",
			`which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv4 unicast 203.0.113.1/32'"`}},
		{"off on a node that is drained", func(w *vmWorld) { w.vm("node1", "web", addr, off); w.sight("node1").vms.drained = true }, nil},
		{"a stray route to a VM", func(w *vmWorld) {
			w.vm("node1", "web", addr, nil)
			w.route(addr, "node1")
			w.route(addr, "node2")
		}, []string{
			"web on node1 failed: rr1 has another route to 203.0.113.1 by node2, where no VM has that address",
			"is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: ssh root@10.10.0.22 ip route show 203.0.113.1/32",
			" on node2 failed: rr1 has a route to 203.0.113.1 by node2, where no VM has that address",
			"is it a VM's? Then `ipfabric vm add` makes it known; else it is to be deleted there: ssh root@10.10.0.22 ip route show 203.0.113.1/32"}},
		{"a stray next hop", func(w *vmWorld) { w.route("2001:db8:100::9", "fd00:10::66") }, []string{
			" on fd00:10::66 failed: rr1 has a route to 2001:db8:100::9 by fd00:10::66, which is no node of the inventory",
			`which neighbor it comes from: ssh root@10.10.0.11 "vtysh -c 'show bgp ipv6 unicast 2001:db8:100::9/128'"`}},
		{"a stray route of an agent with problems", func(w *vmWorld) {
			w.route("2001:db8:100::9", "node1")
			w.sight("node1").vms.healthy = false
		}, []string{
			" on node1 not-checked: rr1 has a route to 2001:db8:100::9 by node1, where no VM has that address, and its agent has problems",
			"first node1: what is wrong with its agent stands with its checks"}},
		{"a route outside the pools", func(w *vmWorld) { w.route("192.0.2.1", "node1") }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newVMWorld(t)
			tt.build(w)
			var got []string
			for _, c := range judgeVMs(w.f, w.sights) {
				if c.Status != OK {
					got = append(got, fmt.Sprintf("%s on %s %s: %s", c.VM, c.Node, c.Status, c.Detail), c.Hint)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
