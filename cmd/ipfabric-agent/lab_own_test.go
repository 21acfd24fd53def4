//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file in vms.d that names an interface of the host's must not cut the host
// off, whatever shows whose it is.
func TestLabTheHostsInterfacesAreNoVMs(t *testing.T) {
	if !inNetns(t) {
		return
	}
	veth := func(name string) []string {
		return []string{"ip", "link", "add", name, "type", "veth", "peer", "name", name + "-far"}
	}
	tests := []struct {
		name string
		do   [][]string
		want string
	}{
		{"no veth", [][]string{{"ip", "link", "add", "up0", "up", "type", "bridge"}}, "neither a tap nor a veth but bridge"},
		{"one with an address", [][]string{veth("up1"), {"ip", "addr", "add", "192.0.2.1/24", "dev", "up1"}}, "it has the address 192.0.2.1/24"},
		{"what a tunnel goes over", [][]string{veth("up2"), {"ip", "link", "add", "vx2", "type", "vxlan", "id", "7", "dev", "up2", "dstport", "4789"}}, "vx2 is on top of it"},
		// As for a VLAN, of which not every kernel knows.
		{"a macvlan's parent", [][]string{veth("up3"), {"ip", "link", "add", "link", "up3", "name", "mac3", "type", "macvlan"}}, "mac3 is on top of it"},
		{"a bridge's port", [][]string{veth("up4"), {"ip", "link", "add", "br0", "type", "bridge"}, {"ip", "link", "set", "up4", "master", "br0"}}, "it is a port of"},
		{"the way to a network", [][]string{veth("up5"), {"ip", "link", "set", "up5", "up"}, {"ip", "route", "add", "198.51.100.0/24", "dev", "up5"}}, "a route to 198.51.100.0/24 leads over it"},
		{"the way to the world, one of two", [][]string{veth("up6"), {"ip", "link", "set", "up6", "up"}, {"ip", "route", "add", "default", "nexthop", "dev", "up6", "nexthop", "dev", "up0"}}, "a route to 0.0.0.0/0 leads over it"},
		{"the way to the world in a table of its own", [][]string{veth("up7"), {"ip", "link", "set", "up7", "up"}, {"ip", "-6", "route", "add", "default", "dev", "up7", "table", "77"}}, "a route to ::/0 leads over it"},
	}
	for _, tt := range tests {
		for _, c := range tt.do {
			must(t, c...)
		}
	}
	a := newAgent(t, "")
	state := func() string { return must(t, "ip", "link") + must(t, "ip", "-4", "addr") }
	before := state()
	for i, tt := range tests {
		device := "up" + string(rune('0'+i))
		a.refuses(tt.want, "vm", "add", "own", "--ip", "203.0.113.1", "--interface", device)
		file := filepath.Join(a.dir, "state", "vms.d", "own.json")
		write(t, file, `{"name": "own", "ip": "203.0.113.1", "interface": "`+device+`", "link": "tap"}`)
		a.do("reconcile")
		if s := a.status(); len(s.Problems) != 1 || !strings.Contains(s.Problems[0], tt.want) {
			t.Errorf("%s: problems %q", tt.name, s.Problems)
		}
		if rules := must(t, "nft", "list", "table", "inet", "ipfabric"); strings.Contains(rules, `"`+device+`"`) {
			t.Errorf("%s is filtered:\n%s", tt.name, rules)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		a.do("reconcile")
	}
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	// A tap that already leads to the VM, as scripts before ipfabric have it, is one.
	must(t, "ip", "tuntap", "add", "old_net0", "mode", "tap")
	must(t, "ip", "link", "set", "old_net0", "up")
	must(t, "ip", "route", "add", "203.0.113.5", "dev", "old_net0")
	a.do("vm", "add", "old", "--ip", "203.0.113.5")
}

// What a VM may send hangs on its interface's name.
func TestLabARenamedInterface(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	twoGuests(t, a)
	a.do("vm", "add", "three", "--ip", "203.0.113.3")
	a.settled()
	before := kernelState(t)
	rename := func(device string, down bool) {
		if down { // kernels before 6.2 rename no other
			must(t, "ip", "link", "set", device, "down")
		}
		must(t, "ip", "link", "set", device, "name", "foo")
		a.settled()
		if diff := cmp.Diff(before, kernelState(t)); diff != "" {
			t.Errorf("%s, renamed (-before +after)\n%s", device, diff)
		}
	}
	rename("two_net0", false)
	rename("three_net0", false)
	rename("two_net0", true)
	// While the agent was not running.
	a.stop(syscall.SIGTERM)
	must(t, "ip", "link", "set", "three_net0", "name", "foo")
	a.start()
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("renamed while the agent did not run (-before +after)\n%s", diff)
	}
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
	// Where the old name is taken, the guest is cut off.
	a.stop(syscall.SIGTERM)
	must(t, "ip", "link", "set", "two_net0", "name", "foo")
	must(t, "ip", "link", "add", "two_net0", "type", "veth", "peer", "name", "other")
	a.start()
	if out := must(t, "ip", "link", "show", "foo"); !strings.Contains(out, "state DOWN") {
		t.Errorf("it is left up and unfiltered: %s", out)
	}
}

// A VM whose file cannot be read stays filtered, though nobody knows any more
// from which addresses it may send.
func TestLabAHeldVMStaysFiltered(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	one, two := twoGuests(t, a)
	if err := os.Truncate(filepath.Join(a.dir, "state", "vms.d", "one.json"), 20); err != nil {
		t.Fatal(err)
	}
	for _, restart := range []bool{false, true} {
		a.do("reconcile")
		must(t, "nft", "flush", "ruleset")
		if restart {
			a.stop(syscall.SIGKILL)
			a.start()
		}
		a.settled()
		before := a.status().Dropped.Reasons["spoofed"]
		one.sends(udp("203.0.113.2", "203.0.113.1", 1234, 80))
		if got := a.status().Dropped.Reasons["spoofed"]; got != before+1 {
			t.Errorf("restarted: %t: %d packets of its were dropped", restart, got-before)
		}
		if !one.pings("203.0.113.2") || !two.pings("2001:db8:100::1") {
			t.Errorf("restarted: %t: it is cut off", restart)
		}
	}
}

// With 1,000 VMs a look at all takes as long as adding twenty. What the agent
// does itself must not look to it like somebody else's doing.
func TestLabOneVMIsNoReasonToLookAtAll(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.settled()
	newGuest(t, "d_net0", "203.0.113.9", "2001:db8:100::9")
	before := a.status().Reconcile.Full
	for range 5 {
		a.do("vm", "add", "a", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1", "--mac", "52:54:00:00:00:01")
		a.do("vm", "add", "d", "--ip", "203.0.113.9", "--ip6", "2001:db8:100::9", "--link", "existing")
		a.do("vm", "phase", "d", "migrating")
		a.do("vm", "phase", "d", "live")
		a.do("vm", "remove", "a")
		a.do("vm", "remove", "d")
	}
	a.settled()
	if got := a.status().Reconcile.Full - before; got > 1 { // that one is the clock's
		t.Errorf("it looked at all VMs %d times", got)
	}
}

// A guest that arrives is nowhere else any more: it is announced, room on the
// disk or not.
func TestLabAGuestArrivesOnAFullDisk(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.stop(syscall.SIGTERM)
	state := filepath.Join(a.dir, "state")
	must(t, "mount", "-t", "tmpfs", "-o", "size=64k", "none", state)
	t.Cleanup(func() { must(t, "umount", state) })
	a.start()
	g := newGuest(t, "a_net0", "203.0.113.1", "")
	g.run("ip", "link", "set", "eth0", "down")
	a.do("vm", "add", "a", "--ip", "203.0.113.1", "--link", "existing", "--phase", "waiting")
	sh("dd", "if=/dev/zero", "of="+filepath.Join(state, "full"), "bs=1k") // ends when the disk is full
	g.run("ip", "link", "set", "eth0", "up")
	a.settled()
	g.sendsFrames(rarp(g.mac()))
	migrating := func() bool { return routes(t) == "203.0.113.1 dev a_net0 metric 512" }
	eventually(t, "it is announced", migrating)
	a.do("reconcile")
	if s := a.status(); !migrating() || s.StateWritable {
		t.Errorf("got %s, problems: %q", routes(t), s.Problems)
	}
	if err := os.Remove(filepath.Join(state, "full")); err != nil {
		t.Fatal(err)
	}
	a.do("reconcile")
	a.stop(syscall.SIGKILL)
	a.start()
	if s := a.status(); !migrating() || !s.Healthy {
		t.Errorf("after a restart: got %s, problems: %q", routes(t), s.Problems)
	}
}
