//go:build lab

package main

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// twoGuests are two VMs on one node, and what is behind the node.
func twoGuests(t *testing.T, a *agent) (one, two *guestHost) {
	t.Helper()
	one = newGuest(t, "one_net0", "203.0.113.1", "2001:db8:100::1")
	two = newGuest(t, "two_net0", "203.0.113.2", "2001:db8:100::2")
	a.do("vm", "add", "one", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1", "--link", "existing", "--mac", one.mac())
	a.do("vm", "add", "two", "--ip", "203.0.113.2", "--ip6", "2001:db8:100::2", "--link", "existing")
	a.settled()
	return one, two
}

func TestLabGuestsReachEachOther(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	one, two := twoGuests(t, a)
	for _, target := range []string{"10.0.0.1", "fe80::1%eth0", "203.0.113.2", "2001:db8:100::2"} {
		if !one.pings(target) {
			t.Errorf("one does not reach %s", target)
		}
	}
	if !two.pings("203.0.113.1") {
		t.Error("two does not reach one")
	}
	if s := a.status(); s.VMs.Announced != 2 || len(s.Dropped.VMs) != 0 {
		t.Errorf("got %+v, %+v", s.VMs, s.Dropped)
	}
	// An interface that comes back is taken up again.
	must(t, "ip", "link", "set", "one_net0", "down")
	must(t, "ip", "link", "set", "one_net0", "up")
	a.settled()
	if !two.pings("203.0.113.1") {
		t.Error("two does not reach one after one's interface was down")
	}
	a.do("vm", "remove", "one")
	if two.pings("203.0.113.1") || one.pings("203.0.113.2") {
		t.Error("a VM that was removed is still connected")
	}
	a.do("vm", "add", "one", "--ip", "203.0.113.1", "--link", "existing")
	if !two.pings("203.0.113.1") {
		t.Error("a VM that was added again is not connected")
	}
}

func TestLabIsolatedGuestsDoNot(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "isolate: true\n")
	one, _ := twoGuests(t, a)
	if !one.pings("10.0.0.1") {
		t.Error("one does not reach its gateway")
	}
	if one.pings("203.0.113.2") || one.pings("2001:db8:100::2") {
		t.Error("one reaches two")
	}
	if s := a.status(); s.Dropped.Reasons["isolated"] == 0 {
		t.Errorf("got %+v", s.Dropped)
	}
}

func TestLabWhatAGuestMayNotSend(t *testing.T) {
	if !inNetns(t) {
		return
	}
	must(t, "ip", "link", "add", "up0", "up", "type", "veth", "peer", "name", "up1")
	must(t, "ip", "link", "set", "up1", "up")
	must(t, "ip", "addr", "add", "10.10.0.21/24", "dev", "up0")
	must(t, "ip", "addr", "add", "fd00:10::21/64", "dev", "up0", "nodad")
	a := newAgent(t, `metrics: 127.0.0.1:9472
infrastructure: [10.10.0.11, "fd00:10::11"]
`)
	one, two := twoGuests(t, a)
	_ = two
	gateway4, gateway6 := "10.0.0.1", "fe80::1"
	tests := []struct {
		name   string
		packet []byte
		reason string
	}{
		{"a foreign IPv4 source", udp("198.51.100.1", "203.0.113.2", 1234, 80), "spoofed"},
		{"another VM's IPv4 source", udp("203.0.113.2", "203.0.113.1", 1234, 80), "spoofed"},
		{"the gateway's IPv4 source", udp("10.0.0.1", "203.0.113.2", 1234, 80), "spoofed"},
		{"a foreign IPv6 source", udp("2001:db8:bad::1", "2001:db8:100::2", 1234, 80), "spoofed"},
		{"another VM's IPv6 source", udp("2001:db8:100::2", "2001:db8:100::1", 1234, 80), "spoofed"},
		{"UDP from a link-local address", udp("fe80::5", "2001:db8:100::2", 1234, 80), "spoofed"},
		{"a router advertisement", ip("fe80::5", "ff02::1", unix.IPPROTO_ICMPV6, []byte{134, 0, 0, 0, 64, 0, 7, 8}), "router_advertisement"},
		{"a redirect", ip("fe80::5", "ff02::1", unix.IPPROTO_ICMPV6, []byte{137, 0, 0, 0, 0, 0, 0, 0}), "router_advertisement"},
		{"a DHCP server's answer", udp("203.0.113.1", "255.255.255.255", 67, 68), "dhcp_server"},
		{"a DHCPv6 server's answer", udp("fe80::5", "ff02::1", 547, 546), "dhcp_server"},
		{"BGP to the gateway", tcp("203.0.113.1", gateway4, 1234, 179), "bgp"},
		{"BGP to the gateway, IPv6", tcp("2001:db8:100::1", gateway6, 1234, 179), "bgp"},
		{"BFD", udp("203.0.113.1", gateway4, 49152, 3784), "bfd"},
		{"BFD echo", udp("203.0.113.1", gateway4, 49152, 3785), "bfd"},
		{"multihop BFD", udp("203.0.113.1", gateway4, 49152, 4784), "bfd"},
		{"VXLAN", udp("203.0.113.1", gateway4, 49152, 4789), "vxlan"},
		{"the agent's metrics", tcp("203.0.113.1", gateway4, 1234, 9472), "metrics"},
		{"BGP to the node's own address", tcp("203.0.113.1", "10.10.0.21", 1234, 179), "bgp"},
		{"BGP to another host", tcp("203.0.113.1", "10.10.0.11", 1234, 179), "bgp"},
		{"BGP to another host, IPv6", tcp("2001:db8:100::1", "fd00:10::11", 1234, 179), "bgp"},
		{"BFD to another host", udp("203.0.113.1", "10.10.0.11", 49152, 3784), "bfd"},
		{"multihop BFD to another host, IPv6", udp("2001:db8:100::1", "fd00:10::11", 49152, 4784), "bfd"},
		{"VXLAN to another host", udp("203.0.113.1", "10.10.0.11", 49152, 4789), "vxlan"},
		{"another agent's metrics", tcp("203.0.113.1", "10.10.0.11", 1234, 9472), "metrics"},
	}
	var total uint64
	for _, tt := range tests {
		before := a.status().Dropped.Reasons[tt.reason]
		one.sends(tt.packet)
		total++
		if got := a.status().Dropped.Reasons[tt.reason]; got != before+1 {
			t.Errorf("%s: %d packets were dropped as %s", tt.name, got-before, tt.reason)
		}
	}
	s := a.status()
	if s.Dropped.VMs["one"] != total || s.Dropped.VMs["two"] != 0 {
		t.Errorf("dropped: %+v, want %d of one's", s.Dropped.VMs, total)
	}
	if out := a.do("vm", "show", "one"); !strings.Contains(out, "dropped") {
		t.Errorf("nobody is told: %s", out)
	}
	// What every guest sends is no offence.
	var sum uint64
	for _, n := range s.Dropped.Reasons {
		sum += n
	}
	for _, packet := range [][]byte{
		udp("0.0.0.0", "255.255.255.255", 68, 67),
		udp("fe80::5", "ff02::1:2", 546, 547),
		ip("::", "ff02::1:ff00:1", unix.IPPROTO_ICMPV6, append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, make([]byte, 16)...)),
		ip("fe80::5", "ff02::2", unix.IPPROTO_ICMPV6, []byte{133, 0, 0, 0, 0, 0, 0, 0}),
		tcp("203.0.113.1", "203.0.113.2", 1234, 179), // to another VM, not to the node
		tcp("203.0.113.1", "10.10.0.99", 1234, 179),  // to somebody who is not the fabric's
		tcp("203.0.113.1", "10.10.0.11", 1234, 443),
	} {
		one.sends(packet)
	}
	for _, n := range a.status().Dropped.Reasons {
		sum -= n
	}
	if sum != 0 {
		t.Errorf("what every guest sends is dropped: %+v", a.status().Dropped)
	}
}

// Whoever watches the counters must not see them begin again.
func TestLabCountersGoOn(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	one, _ := twoGuests(t, a)
	spoof := udp("198.51.100.1", "203.0.113.2", 1234, 80)
	one.sends(spoof)
	var want uint64 = 1
	check := func(when string, vm uint64) {
		t.Helper()
		d := a.status().Dropped
		if d.Reasons["spoofed"] != want || d.VMs["one"] != vm {
			t.Errorf("%s: got %v, %v, want %d, %d", when, d.Reasons, d.VMs, want, vm)
		}
	}
	check("at first", 1)
	for _, c := range [][]string{
		{"nft", "flush", "ruleset"},
		{"nft", "add", "rule", "inet", "ipfabric", "input", "accept"},
		{"nft", "flush", "chain", "inet", "ipfabric", "spoofed"},
	} {
		must(t, c...)
		check(strings.Join(c, " ")+", at once", want)
		a.settled()
		one.sends(spoof)
		want++
		check(strings.Join(c, " "), want)
	}
	// An agent that starts with other rules replaces the table, too. What one VM
	// had before that is forgotten then.
	a.stop(syscall.SIGTERM)
	write(t, filepath.Join(a.dir, "agent.yaml"), labConfig+"isolate: true\n")
	a.start()
	a.settled()
	one.sends(spoof)
	want++
	if d := a.status().Dropped; d.Reasons["spoofed"] != want || d.VMs["one"] == 0 {
		t.Errorf("with other rules: got %v, %v, want %d", d.Reasons, d.VMs, want)
	}
}

func TestLabAGuestThatArrives(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	g := newGuest(t, "a_net0", "203.0.113.1", "")
	g.run("ip", "link", "set", "eth0", "down") // still paused
	a.do("vm", "add", "a", "--ip", "203.0.113.1", "--link", "existing", "--phase", "waiting")
	a.settled()
	if got := routes(t); got != "" {
		t.Fatalf("it is announced before it runs: %s", got)
	}
	a.stop(9) // the agent is upgraded meanwhile
	a.start()
	a.settled()
	// With IPv6 off, nothing comes from the guest but what QEMU announces.
	g.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")
	g.run("ip", "link", "set", "eth0", "up")
	a.settled()
	if got := routes(t); got != "" {
		t.Fatalf("it is announced before it runs: %s", got)
	}
	g.sendsFrames(rarp(g.mac()))
	eventually(t, "it is announced as migrating", func() bool {
		return routes(t) == "203.0.113.1 dev a_net0 metric 512"
	})
	a.do("vm", "phase", "a", "live")
	if got := routes(t); got != "203.0.113.1 dev a_net0 metric 1024" {
		t.Errorf("got %s", got)
	}
	a.do("vm", "phase", "a", "withdrawn")
	if got := routes(t); got != "" {
		t.Errorf("withdrawn: %s", got)
	}
}
