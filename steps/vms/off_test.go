package vms

import (
	"context"
	"strings"
	"testing"
)

// putOff has an LXD instance on a node that does not run.
func (f *fleet) putOff(node, name, ip string) {
	f.put(node, name, ip, "", PhaseOff)
	v := f.agents[node][name]
	v.Source, v.Link = "lxd", "existing"
	f.guests[node+" "+name] = false
}

// What is off takes its addresses up again when it starts: they are nobody
// else's meanwhile.
func TestAddressesOfAVMThatIsOffAreTaken(t *testing.T) {
	f := newFleet(t)
	f.putOff("node3", "box", "203.0.113.1")
	_, _, err := add(t, f, Wish{Name: "web", Node: "node1", IP: "203.0.113.1", IP6: "none"})
	wantError(t, err, Refused, "203.0.113.1 is in use: it is VM box on node3, which is off")
	for _, node := range []string{"node1", "node3"} {
		_, _, err = add(t, f, Wish{Name: "box", Node: node})
		wantError(t, err, Refused, "there is a VM box on node3 already, with 203.0.113.1: it is lxd's, and off", "start it with lxd on node3")
	}
	if len(f.changes) > 0 {
		t.Fatalf("changed: %q", f.changes)
	}
	v, _, err := add(t, f, Wish{Name: "web", Node: "node1"})
	if err != nil || v.IPv4.String() != "203.0.113.2" {
		t.Errorf("%s, %v", v.IPv4, err)
	}
}

func TestListOfVMsThatAreOff(t *testing.T) {
	f := movable(t)
	f.putOff("node3", "box", "203.0.113.2")
	f.putOff("node2", "web", "203.0.113.1") // where libvirt migrated it from
	for _, v := range f.control().List(context.Background()).VMs {
		if len(v.Problems) != 0 {
			t.Errorf("%s on %s: %q", v.Name, v.Node, v.Problems)
		}
		if v.Node != "node1" && (v.State != "off" || len(v.Seen) != 0 || v.Hindrance() != "it is off") {
			t.Errorf("%+v", v)
		}
	}
	f.put("node1", "thief", "203.0.113.2", "", PhaseLive)
	f.stranger["203.0.113.2"] = "node2"
	got := ""
	for _, v := range f.control().List(context.Background()).VMs {
		got += v.Name + ": " + strings.Join(v.Problems, "; ") + "\n"
	}
	for _, want := range []string{
		"thief: rr1 and rr2 have another route to 203.0.113.2 by node2, where no VM has that address; 203.0.113.2 is also the address of VM box on node3, which is off\n",
		"box: 203.0.113.2 is also the address of VM thief on node1; rr1 and rr2 have another route to 203.0.113.2 by node2, where no VM has that address\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// What libvirt keeps of a VM that it migrated hinders nobody.
func TestAVMThatIsOffElsewhere(t *testing.T) {
	f := movable(t)
	f.putOff("node3", "web", "203.0.113.1")
	if _, already, err := add(t, f, Wish{Name: "web", Node: "node1"}); err != nil || !already {
		t.Errorf("%v %v", already, err)
	}
	if _, err := f.move("node2"); err != nil {
		t.Error(err)
	}
	removed, _, err := f.control().Remove(context.Background(), "web")
	if err != nil || len(removed) != 1 || removed[0].Node != "node2" || f.has("web") != "node3 off" {
		t.Errorf("%v %v, left: %s", removed, err, f.has("web"))
	}
}

func TestRemoveRefusesWhatWouldComeBack(t *testing.T) {
	f := movable(t)
	f.agents["node1"]["web"].Source = "libvirt"
	f.putOff("node3", "box", "203.0.113.2")
	_, _, err := f.control().Remove(context.Background(), "web")
	wantError(t, err, Refused, "VM web on node1 belongs to libvirt, and runs", "stop it with libvirt")
	_, _, err = f.control().Remove(context.Background(), "box")
	wantError(t, err, Refused, "VM box on node3 is off, and its addresses are in lxd's configuration")
	if len(f.changes) > 0 {
		t.Fatalf("changed: %q", f.changes)
	}
	f.guests["node1 web"] = false // what libvirt left behind may go
	if _, _, err = f.control().Remove(context.Background(), "web"); err != nil || f.has("web") != "" {
		t.Errorf("%v, left: %s", err, f.has("web"))
	}
}

// Nobody knows which addresses a VM has whose file is damaged before the kernel
// got its routes: no address is sure to be free.
func TestAddChoosesNothingWhileAddressesAreUnknown(t *testing.T) {
	f := newFleet(t)
	f.put("node2", "zed", "", "", PhaseLive)
	f.lose("node2", "zed")
	for _, w := range []Wish{{Name: "web", Node: "node1"}, {Name: "web", Node: "node1", IP: "203.0.113.5"}} {
		_, _, err := add(t, f, w)
		wantError(t, err, Refused, "nothing was added: the addresses of VM zed on node2 are not known (its file cannot be used",
			"`ipfabric vm add zed --node node2 --ip ADDRESS --ip6 ADDRESS`", "`ipfabric vm remove zed`")
	}
	if len(f.changes) > 0 {
		t.Fatalf("changed: %q", f.changes)
	}
	if _, _, err := add(t, f, Wish{Name: "web", Node: "node1", IP: "203.0.113.5", IP6: "none"}); err != nil {
		t.Error(err)
	}
	if _, _, err := add(t, f, Wish{Name: "zed", Node: "node2", IP: "203.0.113.6", IP6: "none"}); err != nil {
		t.Error(err)
	}
	if _, _, err := add(t, f, Wish{Name: "any", Node: "node2"}); err != nil {
		t.Error(err)
	}
}

// Without a guest a route that is lacking is no problem, unless it is for want
// of FRR.
func TestListSaysWhereFRRDoesNotRun(t *testing.T) {
	f := newFleet(t)
	f.put("node1", "new", "203.0.113.2", "", PhaseLive)
	f.guests["node1 new"] = false
	f.put("node2", "late", "203.0.113.3", "", PhaseLive)
	f.guests["node2 late"] = false
	f.mute["node1"], f.mute["node2"] = true, true // node2's is FRR 10, which waits for the guest
	f.frr["node1"] = vtyshError{1, "Exiting: failed to connect to any daemons."}
	l := f.control().List(context.Background())
	for _, v := range l.VMs {
		want := "node1: FRR announces none of its VMs: bgpd is not running"
		if v.Node == "node2" {
			want = ""
		}
		if got := strings.Join(v.Problems, "; "); got != want {
			t.Errorf("%s: got %q", v.Name, got)
		}
	}
	if n := l.Notable(); len(l.Silent) > 0 || len(n) != 1 || n[0].Code != FRRDown || n[0].Node != "node1" {
		t.Errorf("silent: %v, %+v", l.Silent, n)
	}
}
