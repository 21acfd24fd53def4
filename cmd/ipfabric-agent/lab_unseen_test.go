//go:build lab

package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

// aWorld is a host on the other side of the node's uplink up0, from which VMs
// are pinged. It has 10.10.0.11 and fd00:10::11, as a route reflector.
func aWorld(t *testing.T) *guestHost {
	t.Helper()
	w := newNamespace(t)
	must(t, "ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", w.pid)
	must(t, "ip", "link", "set", "up0", "up")
	must(t, "ip", "addr", "add", "10.10.0.21/24", "dev", "up0")
	must(t, "ip", "addr", "add", "fd00:10::21/64", "dev", "up0", "nodad")
	w.run("ip", "link", "set", "eth0", "up")
	w.run("ip", "addr", "add", "10.10.0.11/24", "dev", "eth0")
	w.run("ip", "addr", "add", "fd00:10::11/64", "dev", "eth0", "nodad")
	w.run("ip", "route", "add", "default", "via", "10.10.0.21")
	w.run("ip", "-6", "route", "add", "default", "via", "fd00:10::21")
	must(t, "ip", "route", "add", "default", "via", "10.10.0.11")
	must(t, "ip", "-6", "route", "add", "default", "via", "fd00:10::11")
	return w
}

// nftables runs a script as `nft -f` does.
func nftables(t *testing.T, script string) {
	t.Helper()
	cmd := exec.Command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, out, script)
	}
}

// docker is what Docker 24 adds with iptables-nft to a table with the policy drop.
const docker = `
add table ip filter
add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }
add chain ip filter DOCKER
add chain ip filter DOCKER-USER
add chain ip filter ISOLATION
add rule ip filter FORWARD counter jump DOCKER-USER
add rule ip filter FORWARD counter jump ISOLATION
add rule ip filter FORWARD oifname "docker0" ct state related,established counter accept
add rule ip filter FORWARD oifname "docker0" counter jump DOCKER
add rule ip filter FORWARD iifname "docker0" oifname != "docker0" counter accept
add rule ip filter FORWARD iifname "docker0" oifname "docker0" counter accept
add rule ip filter DOCKER-USER counter return
add rule ip filter ISOLATION iifname "docker0" oifname != "docker0" counter return
add rule ip filter ISOLATION counter return
`

// Each of these stops the VMs' packets while interfaces, routes and sessions are
// as they should be, or looks as if it did.
func TestLabWhatStopsPackets(t *testing.T) {
	if !inNetns(t) {
		return
	}
	world := aWorld(t)
	a := newAgent(t, "infrastructure: [10.10.0.11, \"fd00:10::11\"]\n")
	twoGuests(t, a)
	const all4, all6 = "203.0.113.1", "2001:db8:100::1"
	reaches := func(address string) bool {
		_, err := sh(world.argv("ping", "-n", "-c", "1", "-W", "0.5", address)...)
		return err == nil
	}
	eventually(t, "the VM is reached", func() bool { return reaches(all4) && reaches(all6) })
	if s := a.status(); !s.Healthy || len(s.Findings) > 0 || len(s.Warnings) > 1 {
		t.Fatalf("from the beginning: %q, %q", s.Problems, s.Warnings)
	}
	inet := func(rules string) string {
		return "add table inet other\nadd chain inet other forward { type filter hook forward priority 0; policy drop; }\n" +
			"add set inet other vms { type ifname; elements = { one_net0, two_net0 } }\nadd chain inet other sub\n" + rules
	}
	add := func(rule string) string { return "add rule inet other forward " + rule + "\n" }
	tests := []struct {
		name     string
		nft      string
		do, undo [][]string
		code     vm.FindingCode
		level    vm.Level // "": nothing is found
		text     []string
		cut      string // the address that is not reached any more
	}{
		{name: "an empty chain with policy drop", nft: "add table ip filter\nadd chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }",
			code: vm.FilterDrops, level: vm.IsProblem, cut: all4,
			text: []string{`chain FORWARD of the nftables table "ip filter"`, "policy drop", "all VMs", "iptables -I FORWARD -s 203.0.113.0/24 -j ACCEPT"}},
		{name: "Docker", nft: docker, code: vm.FilterDrops, level: vm.IsProblem, cut: all4, text: []string{`"ip filter"`, "DOCKER-USER"}},
		{name: "Docker, and the operator lets VMs pass", nft: docker + "insert rule ip filter DOCKER-USER ip saddr 203.0.113.0/24 accept\ninsert rule ip filter DOCKER-USER ip daddr 203.0.113.0/24 accept"},
		{name: "IPv6 only", nft: "add table ip6 f\nadd chain ip6 f through { type filter hook forward priority 0; policy drop; }", code: vm.FilterDrops, level: vm.IsProblem, cut: all6,
			text: []string{`"ip6 f"`, "nft insert rule ip6 f through ip6 saddr 2001:db8:100::/48 accept"}},
		{name: "both families", nft: inet(""), code: vm.FilterDrops, level: vm.IsProblem, cut: all6},
		{name: "answers only", nft: inet(add("ct state established,related accept")), code: vm.FilterDrops, level: vm.IsProblem, cut: all4},
		{name: "answers, by a map", nft: inet(add("ct state vmap { established : accept, related : accept, invalid : drop }") + add(`iifname @vms accept`)),
			code: vm.FilterDrops, level: vm.IsWarning, cut: all4, text: []string{"drops new connections to all VMs"}},
		{name: "VMs' interfaces, in both directions", nft: inet(add(`iifname @vms accept`) + add(`oifname @vms accept`))},
		{name: "by a jump", nft: inet(add("jump sub") + "add rule inet other sub ct state established accept\nadd rule inet other sub meta nfproto ipv4 ip daddr 203.0.113.0/25 accept\n" +
			"add rule inet other sub iifname \"one_*\" accept\nadd rule inet other sub iifname \"two_net0\" accept\nadd rule inet other sub oifname != \"up0\" ip6 daddr 2001:db8:100::/64 accept\n")},
		{name: "a port", nft: inet(add("tcp dport 443 accept") + add("tcp sport 443 accept")), code: vm.FilterDrops, level: vm.IsWarning, text: []string{"may drop"}, cut: all4},
		{name: "pings only", nft: inet(add("meta l4proto { icmp, ipv6-icmp } accept")), code: vm.FilterDrops, level: vm.IsProblem},
		{name: "policy accept, and a reject at the end", nft: "add table inet other\nadd chain inet other forward { type filter hook forward priority 0; }\n" + add("ct state established accept") + add("reject"),
			code: vm.FilterDrops, level: vm.IsProblem, cut: all4},
		{name: "some sources are dropped", nft: "add table inet other\nadd chain inet other forward { type filter hook forward priority 0; }\n" + add("ip saddr 198.51.100.0/24 drop") + add("tcp dport 25 drop")},
		{name: "input only", nft: "add table inet other\nadd chain inet other input { type filter hook input priority 0; policy drop; }\n"},
		{name: "before routing", nft: "add table inet raw\nadd chain inet raw pre { type filter hook prerouting priority -300; policy drop; }\nadd rule inet raw pre iifname \"lo\" accept",
			code: vm.FilterDrops, level: vm.IsProblem, cut: all4, text: []string{"hook prerouting"}},
		{name: "the uplink does not forward", do: [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/up0/forwarding"}}, undo: [][]string{{"sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/up0/forwarding"}},
			code: vm.UplinkForwarding, level: vm.IsProblem, cut: all4, text: []string{"net.ipv4.conf.up0.forwarding is 0", "sysctl -w net.ipv4.conf.up0.forwarding=1"}},
		{name: "the same of IPv6, which does no harm", do: [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/up0/forwarding"}}, undo: [][]string{{"sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/up0/forwarding"}}},
		{name: "a rule to a VM's address", do: [][]string{{"ip", "rule", "add", "to", all4, "lookup", "200"}, {"ip", "route", "add", "default", "via", "10.10.0.11", "table", "200"}},
			undo: [][]string{{"ip", "rule", "del", "to", all4}, {"ip", "route", "flush", "table", "200"}},
			code: vm.RuleDiverts, level: vm.IsProblem, cut: all4, text: []string{"from all to 203.0.113.1/32 lookup 200", "sends to up0 what is for VM one", "ip -4 rule del pref"}},
		{name: "a rule whose table has no route", do: [][]string{{"ip", "rule", "add", "to", all4, "lookup", "200"}}, undo: [][]string{{"ip", "rule", "del", "to", all4}}},
		{name: "a rule that drops, IPv6", do: [][]string{{"ip", "-6", "rule", "add", "from", all6, "blackhole"}}, undo: [][]string{{"ip", "-6", "rule", "del", "from", all6, "blackhole"}},
			code: vm.RuleDiverts, level: vm.IsProblem, cut: all6, text: []string{"from 2001:db8:100::1/128 blackhole", "drops what comes from VM one"}},
		{name: "a VPN, as wg-quick makes one", do: [][]string{{"ip", "tuntap", "add", "mode", "tun", "vpn0"}, {"ip", "link", "set", "vpn0", "up"}, {"ip", "route", "add", "default", "dev", "vpn0", "table", "51820"},
			{"ip", "rule", "add", "not", "fwmark", "51820", "lookup", "51820"}, {"ip", "rule", "add", "lookup", "main", "suppress_prefixlength", "0"}},
			undo: [][]string{{"ip", "rule", "del", "not", "fwmark", "51820", "lookup", "51820"}, {"ip", "rule", "del", "lookup", "main", "suppress_prefixlength", "0"}, {"ip", "link", "del", "vpn0"}},
			code: vm.RuleDiverts, level: vm.IsProblem, text: []string{"not from all fwmark", "sends to vpn0 what comes from all VMs"}},
		{name: "a second uplink", do: [][]string{{"ip", "link", "add", "second0", "type", "veth", "peer", "name", "far0"}, {"ip", "link", "set", "far0", "up"}, {"ip", "link", "set", "second0", "up"},
			{"ip", "addr", "add", "192.168.7.1/24", "dev", "second0"}, {"ip", "route", "add", "default", "via", "192.168.7.2", "table", "300"}, {"ip", "rule", "add", "from", "203.0.113.2", "lookup", "300"}},
			undo: [][]string{{"ip", "rule", "del", "from", "203.0.113.2"}, {"ip", "link", "del", "second0"}}},
		{name: "the node's own addresses have another table", do: [][]string{{"ip", "rule", "add", "from", "10.10.0.21", "lookup", "400"}, {"ip", "route", "add", "default", "via", "10.10.0.11", "table", "400"}},
			undo: [][]string{{"ip", "rule", "del", "from", "10.10.0.21"}, {"ip", "route", "flush", "table", "400"}}},
		// Last, as it takes the addresses away.
		{name: "the uplink has no IPv6", do: [][]string{{"ip", "-6", "route", "del", "default"}, {"sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/up0/disable_ipv6"}},
			undo: [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/up0/disable_ipv6"}, {"ip", "addr", "add", "fd00:10::21/64", "dev", "up0", "nodad"}},
			code: vm.IPv6Disabled, level: vm.IsProblem, cut: all6, text: []string{"net.ipv6.conf.up0.disable_ipv6 is 1"}},
	}
	found := func() (vm.Status, []vm.Finding) {
		s := a.status()
		return s, slices.DeleteFunc(s.Findings, func(f vm.Finding) bool { return f.Level == vm.IsNote })
	}
	for _, tt := range tests {
		tables := must(t, "nft", "list", "tables")
		if tt.nft != "" {
			nftables(t, tt.nft)
		}
		for _, c := range tt.do {
			must(t, c...)
		}
		if tt.cut != "" && reaches(tt.cut) {
			t.Errorf("%s: it does no harm", tt.name)
		}
		if tt.level == "" {
			eventually(t, tt.name+": it does no harm", func() bool { return reaches(all4) })
		}
		var s vm.Status
		var got []vm.Finding
		if tt.level == "" {
			a.settled() // longer than an answer is kept
			s, got = found()
		} else {
			eventually(t, tt.name+": it is found", func() bool { s, got = found(); return len(got) > 0 })
		}
		switch {
		case tt.level == "":
			if len(got) > 0 || !s.Healthy {
				t.Errorf("%s: a false alarm: %v %q", tt.name, got, s.Problems)
			}
		case got[0].Code != tt.code || got[0].Level != tt.level || s.Healthy != (tt.level != vm.IsProblem):
			t.Errorf("%s: got %+v", tt.name, got)
		}
		for _, text := range tt.text {
			if len(got) > 0 && !strings.Contains(got[0].String(), text) {
				t.Errorf("%s: no %q in %s", tt.name, text, got[0])
			}
		}
		for _, c := range tt.undo {
			must(t, c...)
		}
		for line := range strings.Lines(must(t, "nft", "list", "tables")) {
			if !strings.Contains(tables, line) {
				must(t, append([]string{"nft", "delete"}, strings.Fields(line)...)...)
			}
		}
		eventually(t, tt.name+": it is over", func() bool { s, got = found(); return len(got) == 0 && s.Healthy })
	}
}

// A guest that is attached but does not answer is a note: it may be right.
func TestLabASilentGuest(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	g := newGuest(t, "quiet_net0", "203.0.113.5", "2001:db8:100::5")
	a.do("vm", "add", "quiet", "--ip", "203.0.113.5", "--ip6", "2001:db8:100::5", "--link", "existing")
	a.settled()
	silent := func() (int, bool) {
		s := a.status()
		return len(s.Findings), s.Healthy
	}
	if n, _ := silent(); n != 0 {
		t.Errorf("it is called silent: %v", a.status().Findings)
	}
	g.run("ip", "addr", "flush", "dev", "eth0")
	sh("ping", "-n", "-c", "1", "-W", "4", "203.0.113.5")
	sh("ping", "-n", "-c", "1", "-W", "4", "2001:db8:100::5")
	eventually(t, "both addresses are silent", func() bool { n, _ := silent(); return n == 2 })
	s := a.status()
	if f := s.Findings[0]; !s.Healthy || f.Code != vm.GuestSilent || f.Level != vm.IsNote || f.VMs[0] != "quiet" || !strings.Contains(f.Text, "does not answer ARP for 203.0.113.5") {
		t.Errorf("got %+v, %q", s.Findings, s.Problems)
	}
	if out := a.do("vm", "list", "--json"); !strings.Contains(out, `"silent"`) {
		t.Errorf("the list does not tell: %s", out)
	}
	if out := a.do("status"); !strings.Contains(out, "note: the guest of VM quiet") {
		t.Errorf("the status does not tell: %s", out)
	}
}
