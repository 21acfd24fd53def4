//go:build lab

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// entries are the node's neighbors behind an interface, but multicast addresses,
// which the node itself sends to.
func entries(t *testing.T, family, device string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(must(t, "ip", family, "neigh", "show", "nud", "all", "dev", device)) {
		if !strings.HasPrefix(line, "ff") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// A VM must not fill the neighbor tables, which all VMs of a node share.
func TestLabAGuestMakesFewNeighbors(t *testing.T) {
	if !inNetns(t) {
		return
	}
	write(t, "/proc/sys/net/ipv4/conf/all/rp_filter", "2") // as on hosts with several uplinks
	a := newAgent(t, "")
	one, two := twoGuests(t, a)
	mac := hardware(t, one.mac())
	made := func(n int) string { return fmt.Sprintf("fe80::bad:%x", n) }
	const many = 300
	tests := []struct {
		name    string
		packet  func(n int) []byte
		reasons []string
	}{
		{"solicitations", func(n int) []byte { return solicit(made(n), "fe80::1", mac) }, []string{"link_local", "neighbor_discovery"}},
		{"router solicitations", func(n int) []byte {
			return icmp6(made(n+many), "ff02::2", slices.Concat([]byte{133, 0, 0, 0, 0, 0, 0, 0, 1, 1}, mac)...)
		}, []string{"link_local", "neighbor_discovery"}},
		{"pings", func(n int) []byte { return icmp6(made(n+2*many), "fe80::1", 128, 0, 0, 0, 0, 1, 0, 1) }, []string{"link_local"}},
		{"DHCPv6 questions", func(n int) []byte { return udp(made(n+3*many), "ff02::1:2", 546, 547) }, []string{"link_local"}},
		{"packets to neighbors that are not there", func(n int) []byte { return udp("2001:db8:100::1", made(n+4*many), 1234, 80) }, []string{"link_local"}},
	}
	for _, tt := range tests {
		was := a.status().Dropped.Reasons
		var packets [][]byte
		for n := range many {
			packets = append(packets, tt.packet(n))
		}
		one.sends(packets...)
		var dropped uint64
		for _, reason := range tt.reasons {
			dropped += a.status().Dropped.Reasons[reason] - was[reason]
		}
		if dropped < many-4 {
			t.Errorf("%d %s: %d were dropped", many, tt.name, dropped)
		}
		// Its address, that of its MAC, and four learned.
		if got := entries(t, "-6", "one_net0"); len(got) > 6 {
			t.Fatalf("%d %s made %d neighbors:\n%s", many, tt.name, len(got), strings.Join(got, "\n"))
		}
	}

	var frames [][]byte
	for n := range many {
		frames = append(frames, arp(mac, fmt.Sprintf("198.51.%d.%d", 100+n/200, 1+n%200), []string{"10.0.0.1", "203.0.113.2"}[n%2]))
	}
	one.sendsFrames(frames...)
	if got := entries(t, "-4", "one_net0"); len(got) > 1 {
		t.Errorf("%d ARP requests made %d neighbors:\n%s", many, len(got), strings.Join(got, "\n"))
	}
	s := a.status()
	if s.Dropped.Reasons["arp"] != many || s.Dropped.VMs["one"] < 6*many-20 || s.Dropped.VMs["two"] != 0 {
		t.Errorf("dropped: %+v", s.Dropped)
	}

	// Both still work, also if they have to find each other again.
	for _, g := range []*guestHost{one, two} {
		g.run("ip", "neigh", "flush", "all")
		for _, target := range []string{"10.0.0.1", "203.0.113.1", "203.0.113.2", "2001:db8:100::1", "2001:db8:100::2"} {
			if !g.pings(target) {
				t.Errorf("%s is not reached", target)
			}
		}
	}
	if !two.pings("fe80::1%eth0") {
		t.Error("the other VM does not reach its gateway from its link-local address")
	}
}

// A VM has the link-local address of its MAC, or one that its system chooses, or
// both, and looks first whether another has it.
func TestLabAGuestsLinkLocalAddresses(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	g := newGuest(t, "one_net0", "203.0.113.1", "2001:db8:100::1")
	a.do("vm", "add", "one", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1", "--link", "existing", "--mac", g.mac())
	a.settled()
	linkLocals := func() []string {
		var out []string
		for line := range strings.Lines(must(t, g.argv("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "link", "-tentative")...)) {
			address, _, _ := strings.Cut(strings.Fields(line)[3], "/")
			out = append(out, address)
		}
		return out
	}
	// again gives the guest another link-local address; "" is that of its MAC.
	again := func(secret string) string {
		t.Helper()
		for _, old := range linkLocals() {
			g.run("ip", "addr", "del", old+"/64", "dev", "eth0")
		}
		g.run("ip", "link", "set", "eth0", "down")
		if secret == "" {
			g.run("ip", "link", "set", "eth0", "addrgenmode", "eui64")
		} else {
			g.run("sh", "-c", "echo "+secret+" >/proc/sys/net/ipv6/conf/eth0/stable_secret")
		}
		g.run("ip", "link", "set", "eth0", "up")
		// These are gone with the link.
		g.run("ip", "-6", "addr", "replace", "2001:db8:100::1/128", "dev", "eth0", "nodad")
		g.run("ip", "-6", "route", "replace", "default", "via", "fe80::1", "dev", "eth0")
		g.run("ip", "route", "replace", "10.0.0.1", "dev", "eth0", "scope", "link")
		g.run("ip", "route", "replace", "default", "via", "10.0.0.1")
		eventually(t, "the guest has found that no other has its address", func() bool { return len(linkLocals()) == 1 })
		return linkLocals()[0]
	}
	reaches := func(from string) bool {
		_, err := sh(g.argv("ping", "-n", "-c", "1", "-W", "1", "-I", from+"%eth0", "fe80::1%eth0")...)
		return err == nil
	}
	own := again("")
	if !reaches(own) {
		t.Errorf("the address of its MAC, %s, does not reach the gateway", own)
	}
	if out := must(t, "nft", "list", "set", "inet", "ipfabric", "learned6"); strings.Contains(out, "elements") {
		t.Errorf("its own address is learned: %s", out)
	}
	for i := range 4 {
		if chosen := again(fmt.Sprintf("2001:db8::%d", i+1)); chosen == own || !reaches(chosen) {
			t.Errorf("address number %d, %s, does not reach the gateway", i+1, chosen)
		}
	}
	if chosen := again("2001:db8::5"); reaches(chosen) {
		t.Errorf("a fifth one, %s, reaches the gateway", chosen)
	}
	if n := a.status().Dropped.Reasons["link_local"]; n == 0 {
		t.Error("the fifth is not counted")
	}
	if own := again(""); !reaches(own) {
		t.Errorf("the address of its MAC, %s, no longer reaches the gateway", own)
	}
	if !g.pings("10.0.0.1") {
		t.Error("no IPv4 any more")
	}
	if _, err := sh(g.argv("ping", "-n", "-c", "1", "-W", "1", "-I", "2001:db8:100::1", "fe80::1%eth0")...); err != nil {
		t.Error("no IPv6 from its own address any more")
	}
}
