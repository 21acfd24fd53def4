package vms

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step/steptest"
)

func add(t *testing.T, f *fleet, w Wish) (VM, bool, error) {
	t.Helper()
	r, err := NewRequest(f.fabric, w)
	if err != nil {
		return VM{}, false, err
	}
	return f.control().Add(context.Background(), r)
}

func TestAddTakesTheLowestFreeAddresses(t *testing.T) {
	f := newFleet(t)
	f.put("node2", "a", "203.0.113.1", "2001:db8:100::1", PhaseLive)
	f.put("node2", "b", "203.0.113.3", "2001:db8:100::2", PhaseWithdrawn)
	v, already, err := add(t, f, Wish{Name: "web", Node: "node1"})
	if err != nil || already {
		t.Fatal(already, err)
	}
	if got := addrList(v.Addrs()); got != "203.0.113.2 and 2001:db8:100::3" {
		t.Errorf("got %s", got)
	}
	if v.Node != "node1" || v.Phase != PhaseLive {
		t.Errorf("%+v", v)
	}
}

func TestAddInAFabricWithoutIPv6(t *testing.T) {
	f := newFleet(t)
	f.fabric = steptest.ParseFabric(t, strings.Replace(FabricText, `, "2001:db8:100::/48"`, "", 1))
	v, _, err := add(t, f, Wish{Name: "web", Node: "node3"})
	if err != nil || addrList(v.Addrs()) != "203.0.113.1" {
		t.Errorf("%s, %v", addrList(v.Addrs()), err)
	}
	_, _, err = add(t, f, Wish{Name: "mail", Node: "node3", IP6: "2001:db8:100::1"})
	wantError(t, err, Usage, "leave --ip6 out")
}

func TestAddHandsOnWhatIsAskedFor(t *testing.T) {
	f := newFleet(t)
	_, _, err := add(t, f, Wish{Name: "web", Node: "node1", IP: "203.0.113.5", IP6: "none", MAC: "52-54-00-12-34-56",
		Owner: "libvirt-qemu", Group: "kvm", Link: "tap", Interface: "vnet7", MultiQueue: true})
	if err != nil {
		t.Fatal(err)
	}
	want := "node1: add web --json --ip 203.0.113.5 --mac 52:54:00:12:34:56 --interface vnet7 --link tap --owner libvirt-qemu --group kvm --phase live --multiqueue"
	if len(f.changes) != 1 || f.changes[0] != want {
		t.Errorf("got  %q\nwant %q", f.changes, want)
	}
}

func TestAddRefuses(t *testing.T) {
	tests := []struct {
		name  string
		have  func(*fleet)
		wish  Wish
		kind  ErrorKind
		parts []string
	}{
		{"bad name", nil, Wish{Name: "a;rm", Node: "node1"}, Usage, []string{`"a;rm"`}},
		{"long name", nil, Wish{Name: strings.Repeat("x", 64), Node: "node1"}, Usage, []string{"63 is the most"}},
		{"no such node", nil, Wish{Name: "web", Node: "nod1"}, Usage, []string{"node1, node2 and node3"}},
		{"a reflector", nil, Wish{Name: "web", Node: "rr1"}, Usage, []string{"rr1 is a route-reflector"}},
		{"no address", nil, Wish{Name: "web", Node: "node1", IP: "1.2.3"}, Usage, []string{"not an IPv4 address", "203.0.113.0/29"}},
		{"other family", nil, Wish{Name: "web", Node: "node1", IP: "2001:db8:100::1"}, Usage, []string{"not an IPv4 address"}},
		{"a zone", nil, Wish{Name: "web", Node: "node1", IP6: "2001:db8:100::1%eth0"}, Usage, []string{"not an IPv6 address"}},
		{"outside the pools", nil, Wish{Name: "web", Node: "node1", IP: "203.0.113.8"}, Usage, []string{"in none of the fabric's pools"}},
		{"the gateway's", nil, Wish{Name: "web", Node: "node1", IP: "10.0.0.1"}, Usage, []string{"the gateway of all VMs"}},
		{"a node's", nil, Wish{Name: "web", Node: "node1", IP: "10.10.0.22"}, Usage, []string{"node2 (node)"}},
		{"a reflector's", nil, Wish{Name: "web", Node: "node1", IP6: "fd00:10::12"}, Usage, []string{"rr2 (route reflector)"}},
		{"none at all", nil, Wish{Name: "web", Node: "node1", IP: "none", IP6: "none"}, Usage, []string{"no address"}},
		{"bad MAC", nil, Wish{Name: "web", Node: "node1", MAC: "01:00:5e:00:00:01"}, Usage, []string{"--mac"}},
		{"bad owner", nil, Wish{Name: "web", Node: "node1", Owner: "a b"}, Usage, []string{"--owner"}},
		{"bad interface", nil, Wish{Name: "web", Node: "node1", Interface: "../x"}, Usage, []string{"--interface"}},
		{"owner of what is not ours", nil, Wish{Name: "web", Node: "node1", Link: "existing", Owner: "qemu"}, Usage, []string{"--link tap"}},

		{"in use", func(f *fleet) { f.put("node2", "mail", "203.0.113.5", "", PhaseLive) },
			Wish{Name: "web", Node: "node1", IP: "203.0.113.5"}, Refused, []string{"203.0.113.5 is in use: it is VM mail on node2"}},
		{"the name is on another node", func(f *fleet) { f.put("node2", "web", "203.0.113.5", "", PhaseLive) },
			Wish{Name: "web", Node: "node1"}, Refused, []string{"web on node2 already, with 203.0.113.5", "vm move web --to node1"}},
		{"the name has another address", func(f *fleet) { f.put("node1", "web", "203.0.113.5", "", PhaseLive) },
			Wish{Name: "web", Node: "node1", IP: "203.0.113.6"}, Refused, []string{"with address 203.0.113.5"}},
		{"the name has an address too many", func(f *fleet) { f.put("node1", "web", "203.0.113.5", "2001:db8:100::5", PhaseLive) },
			Wish{Name: "web", Node: "node1", IP6: "none"}, Refused, []string{"with address 2001:db8:100::5"}},
		{"the name lacks an address", func(f *fleet) { f.put("node1", "web", "203.0.113.5", "", PhaseLive) },
			Wish{Name: "web", Node: "node1", IP6: "2001:db8:100::5"}, Refused, []string{"with no address 2001:db8:100::5"}},
		{"announced by a stranger", func(f *fleet) { f.stranger["203.0.113.5"] = "node2" },
			Wish{Name: "web", Node: "node1", IP: "203.0.113.5"}, Refused, []string{"announced by node2, says rr", "no agent lists it"}},
		{"announced by the node itself", func(f *fleet) { f.stranger["203.0.113.5"] = "node1" },
			Wish{Name: "web", Node: "node1", IP: "203.0.113.5", IP6: "none"}, Refused,
			[]string{"announced by node1, says rr", "tell the agent: ssh root@10.10.0.21 /usr/local/bin/ipfabric-agent vm add web --ip 203.0.113.5"}},
		{"all in use", func(f *fleet) {
			for i := 1; i <= 6; i++ {
				f.put("node2", fmt.Sprint("vm", i), fmt.Sprint("203.0.113.", i), "", PhaseLive)
			}
		}, Wish{Name: "web", Node: "node1"}, Refused, []string{"no IPv4 address is free", "pool"}},

		{"a node does not answer", func(f *fleet) { f.down["node3"] = true },
			Wish{Name: "web", Node: "node1"}, Unanswered, []string{"nothing was added", "node3 does not answer"}},
		{"nor may an address be given then", func(f *fleet) { f.down["node2"], f.down["node3"] = true, true },
			Wish{Name: "web", Node: "node1", IP: "203.0.113.5", IP6: "none"}, Unanswered, []string{"node2 and node3 do not answer"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFleet(t)
			if tt.have != nil {
				tt.have(f)
			}
			_, _, err := add(t, f, tt.wish)
			wantError(t, err, tt.kind, tt.parts...)
			if len(f.changes) > 0 {
				t.Errorf("changed: %q", f.changes)
			}
		})
	}
}

// What an agent that lost its files still announces is not given away.
func TestAddPassesOverWhatIsAnnounced(t *testing.T) {
	f := newFleet(t)
	f.stranger["203.0.113.1"], f.stranger["203.0.113.2"] = "node2", "node2"
	v, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	if err != nil || v.IPv4.String() != "203.0.113.3" {
		t.Errorf("%s, %v", v.IPv4, err)
	}
	if len(f.notes) != 2 || !strings.Contains(f.notes[0], "203.0.113.1 is passed over") {
		t.Errorf("%q", f.notes)
	}
}

// What the VM's own node announces may be that VM's, under which its guest runs:
// it does not get another address behind the guest's back.
func TestAddAsksWhoseItIsWhatTheNodeAnnounces(t *testing.T) {
	f := newFleet(t)
	f.stranger["203.0.113.1"] = "node1"
	_, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint(), "ipfabric-agent vm add web --ip 203.0.113.1") {
		t.Errorf("got %v", err)
	}
}

// A reflector that is down must not keep VMs from being added.
func TestAddWithoutAReflector(t *testing.T) {
	f := newFleet(t)
	f.down["rr1"] = true
	v, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := f.control().AwaitSeen(context.Background(), v)
	if err != nil || fmt.Sprint(seen) != "[{rr1 unknown} {rr2 yes}]" {
		t.Errorf("%v, %v", seen, err)
	}
}

func TestAddAgainChangesNothing(t *testing.T) {
	f := newFleet(t)
	first, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []Wish{
		{Name: "web", Node: "node1"},
		{Name: "web", Node: "node1", IP: first.IPv4.String(), IP6: first.IPv6.String()},
	} {
		v, already, err := add(t, f, w)
		if err != nil || !already || addrList(v.Addrs()) != addrList(first.Addrs()) {
			t.Errorf("%+v: %v %v", v, already, err)
		}
	}
	f.down["node3"] = true // nothing is to be chosen, so nobody has to be asked
	if _, already, err := add(t, f, Wish{Name: "web", Node: "node1"}); !already || err != nil {
		t.Errorf("%v %v", already, err)
	}
	if len(f.changes) != 1 {
		t.Errorf("%q", f.changes)
	}
}

func TestTwoOperatorsNeverGetTheSameAddress(t *testing.T) {
	f := newFleet(t)
	f.fabric = steptest.ParseFabric(t, strings.Replace(FabricText, "203.0.113.0/29", "203.0.113.0/24", 1))
	const each = 20
	var wg sync.WaitGroup
	for _, node := range []string{"node1", "node2"} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				if _, _, err := add(t, f, Wish{Name: fmt.Sprintf("%s-vm%d", node, i), Node: node}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	seen := map[netip.Addr]string{}
	for node, vms := range f.agents {
		for _, v := range vms {
			for _, a := range v.Addrs() {
				if seen[a] != "" {
					t.Errorf("%s is %s's on %s and %s's", a, v.Name, node, seen[a])
				}
				seen[a] = v.Name
			}
		}
	}
	if len(seen) != 2*2*each {
		t.Errorf("%d addresses", len(seen))
	}
}

// What is asked for of a VM that is there already must be as it is.
func TestWhatDiffersFromARequest(t *testing.T) {
	have := *newVM("web", PhaseLive)
	have.IPv4, have.MAC, have.Owner, have.Group = netip.MustParseAddr("203.0.113.1"), vm.MAC{0x52, 0x54, 0, 0, 0, 1}, "root", "kvm"
	for _, tt := range []struct {
		ask  func(*Request)
		want string
	}{
		{func(*Request) {}, ""},
		{func(r *Request) { r.VM = have }, ""},
		{func(r *Request) { r.IPv4 = netip.MustParseAddr("203.0.113.2") }, "address 203.0.113.1"},
		{func(r *Request) { r.none4 = true }, "address 203.0.113.1"},
		{func(r *Request) { r.none6 = true }, ""},
		{func(r *Request) { r.IPv6 = netip.MustParseAddr("2001:db8::1") }, "no address 2001:db8::1"},
		{func(r *Request) { r.MAC = vm.MAC{0x52, 0x54, 0, 0, 0, 2} }, "MAC 52:54:00:00:00:01"},
		{func(r *Request) { r.Interface = "other" }, "interface web_net0"},
		{func(r *Request) { r.Link = vm.Existing }, "link tap"},
		{func(r *Request) { r.Owner = "qemu" }, "owner root"},
		{func(r *Request) { r.Group = "qemu" }, "group kvm"},
		{func(r *Request) { r.MultiQueue = true }, "a tap of one queue"},
	} {
		var r Request
		tt.ask(&r)
		if got := r.differs(have); got != tt.want {
			t.Errorf("%+v: got %q, want %q", r.VM, got, tt.want)
		}
	}
}
