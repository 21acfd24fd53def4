//go:build lab

package main

import (
	"bufio"
	"encoding/binary"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// newUplink gives the node 10.10.0.21 and fd00:10::21, and an address that no
// inventory has, 192.0.2.77. Behind the uplink is a namespace that is another
// host of the fabric, 10.10.0.11 and fd00:10::11, and one that is not,
// 198.51.100.9 and 2001:db8:ffff::9.
func newUplink(t *testing.T) *guestHost {
	t.Helper()
	h := newGuest(t, "up0", "10.10.0.11", "")
	must(t, "ip", "link", "set", "up0", "up")
	must(t, "ip", "addr", "add", "10.10.0.21/24", "dev", "up0")
	must(t, "ip", "addr", "add", "192.0.2.77/32", "dev", "up0")
	must(t, "ip", "addr", "add", "fd00:10::21/64", "dev", "up0", "nodad")
	must(t, "ip", "route", "add", "198.51.100.9", "via", "10.10.0.11")
	must(t, "ip", "route", "add", "2001:db8:ffff::9", "via", "fd00:10::11")
	h.run("ip", "route", "flush", "dev", "eth0")
	for _, a := range []string{"10.10.0.11/24", "198.51.100.9/32"} {
		h.run("ip", "addr", "replace", a, "dev", "eth0")
	}
	for _, a := range []string{"fd00:10::11/64", "2001:db8:ffff::9/128"} {
		h.run("ip", "addr", "add", a, "dev", "eth0", "nodad")
	}
	h.run("ip", "addr", "del", "10.10.0.11/32", "dev", "eth0")
	h.run("ip", "route", "add", "default", "via", "10.10.0.21")
	h.run("ip", "route", "add", "default", "via", "fd00:10::21")
	return h
}

const uplinkConfig = `infrastructure: [10.10.0.11, 10.10.0.21, "fd00:10::11", "fd00:10::21"]
`

// listens runs servers in a namespace until the test ends.
func (g *guestHost) listens(places ...string) {
	g.t.Helper()
	listen(g.t, g.argv("env", "IPFABRIC_TEST_SERVE="+strings.Join(places, " "), self(g.t)))
}

func listen(t *testing.T, argv []string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "listening\n" {
		t.Fatalf("%v: %q, %v", argv, line, err)
	}
}

// dials says whether a server answers. The place may be followed by the address
// to ask from.
func (g *guestHost) dials(place string) bool {
	_, err := sh(g.argv("env", "IPFABRIC_TEST_DIAL="+place, self(g.t))...)
	return err == nil
}

// fragment is a part of a packet, from an offset, a multiple of 8, with the
// payload. For IPv6 it has another header before the fragment header if between
// is set: destination options (RFC 8200).
func fragment(src, dst string, protocol byte, offset int, more, between bool, payload []byte) []byte {
	if netip.MustParseAddr(src).Is4() {
		packet := ip(src, dst, protocol, payload)
		word := uint16(offset / 8)
		if more {
			word |= 0x2000
		}
		binary.BigEndian.PutUint16(packet[6:], word)
		packet[10], packet[11] = 0, 0
		binary.BigEndian.PutUint16(packet[10:], checksum(packet[:20]))
		return packet
	}
	word := uint16(offset)
	if more {
		word |= 1
	}
	header := binary.BigEndian.AppendUint16([]byte{protocol, 0}, word)
	header = append(header, 0, 0, 0, 1)
	if !between {
		return ip(src, dst, unix.IPPROTO_FRAGMENT, append(header, payload...))
	}
	padding := []byte{unix.IPPROTO_FRAGMENT, 0, 1, 4, 0, 0, 0, 0}
	return ip(src, dst, unix.IPPROTO_DSTOPTS, slices.Concat(padding, header, payload))
}

// A fragment needs no port in it, and the rules for ports then do not match.
func TestLabFragments(t *testing.T) {
	if !inNetns(t) {
		return
	}
	host := newUplink(t)
	a := newAgent(t, uplinkConfig)
	one, _ := twoGuests(t, a)
	// Before the host puts fragments together.
	host.run("nft", "add table inet count; add chain inet count in { type filter hook prerouting priority -500; }; "+
		"add rule inet count in ip saddr 203.0.113.1 counter; "+
		"add rule inet count in ip6 saddr 2001:db8:100::1 counter")
	arrived := func() int {
		t.Helper()
		n := 0
		for line := range strings.Lines(must(t, host.argv("nft", "list", "chain", "inet", "count", "in")...)) {
			fields := strings.Fields(line)
			if at := slices.Index(fields, "packets"); at >= 0 {
				n += number(t, fields[at+1])
			}
		}
		return n
	}
	header := tcp("203.0.113.1", "10.10.0.11", 1234, 179)[20:]
	source := func(dst string) string {
		if netip.MustParseAddr(dst).Is4() {
			return "203.0.113.1"
		}
		return "2001:db8:100::1"
	}
	parts := func(dst string) [][]byte {
		src := source(dst)
		var out [][]byte
		for _, between := range []bool{false, true} {
			out = append(out,
				fragment(src, dst, unix.IPPROTO_TCP, 0, true, between, header[:8]),
				fragment(src, dst, unix.IPPROTO_TCP, 8, false, between, header[8:]))
		}
		if netip.MustParseAddr(dst).Is6() {
			// The header of TCP begins in the second one only.
			options := []byte{unix.IPPROTO_TCP, 0, 1, 4, 0, 0, 0, 0}
			out = append(out, fragment(src, dst, unix.IPPROTO_DSTOPTS, 0, true, false, options),
				fragment(src, dst, unix.IPPROTO_DSTOPTS, 8, false, false, header))
		}
		return out
	}
	for _, dst := range []string{"10.10.0.11", "fd00:10::11", "10.10.0.21", "fd00:10::21", "10.0.0.1", "fe80::1"} {
		before, was := arrived(), a.status().Dropped.Reasons["fragment"]
		all := parts(dst)
		one.sends(all...)
		if got := a.status().Dropped.Reasons["fragment"] - was; got != uint64(len(all)) {
			t.Errorf("to %s: %d of %d fragments were dropped", dst, got, len(all))
		}
		if got := arrived() - before; got != 0 {
			t.Errorf("to %s: %d fragments reached another host", dst, got)
		}
	}
	// The kernel puts these together before it looks at the port.
	one.sends(parts("192.0.2.77")[:2]...)
	if n := a.status().Dropped.Reasons["bgp"]; n != 1 {
		t.Errorf("two fragments to another address of the node: %d were dropped as bgp", n)
	}
	was := a.status().Dropped.Reasons["fragment"]
	for _, dst := range []string{"198.51.100.9", "2001:db8:ffff::9"} {
		before := arrived()
		all := parts(dst)
		one.sends(all...)
		eventually(t, "fragments to others arrive", func() bool { return arrived()-before == len(all) })
		if _, err := sh(one.argv("ping", "-n", "-c", "1", "-W", "2", "-s", "4000", dst)...); err != nil {
			t.Errorf("a large ping to %s: %v", dst, err)
		}
	}
	if _, err := sh(one.argv("ping", "-n", "-c", "1", "-W", "2", "-s", "4000", "203.0.113.2")...); err != nil {
		t.Errorf("a large ping to another VM: %v", err)
	}
	if n := a.status().Dropped.Reasons["fragment"]; n != was {
		t.Errorf("%d fragments to others were dropped", n-was)
	}
}

// own, another and far are the addresses of a node, of another host of the fabric,
// and of one that is no host of it.
var (
	own     = []string{"10.0.0.1", "10.10.0.21", "192.0.2.77", "[fd00:10::21]"}
	another = []string{"10.10.0.11", "[fd00:10::11]"}
	far     = []string{"198.51.100.9", "[2001:db8:ffff::9]"}
)

// services are 22 and 80 to 81 over TCP, and 53 and 54 over UDP, whose answers come
// from the address that was asked.
func services(addresses []string) []string {
	out := []string{"tcp/:22", "tcp/:80", "tcp/:81"}
	for _, a := range addresses {
		out = append(out, "udp/"+a+":53", "udp/"+a+":54")
	}
	return out
}

// ownServices runs them on the node.
func ownServices(t *testing.T) {
	t.Helper()
	listen(t, []string{"env", "IPFABRIC_TEST_SERVE=" + strings.Join(services(own), " "), self(t)})
}

func TestLabProtectedHosts(t *testing.T) {
	if !inNetns(t) {
		return
	}
	host := newUplink(t)
	a := newAgent(t, uplinkConfig+"protect: {enabled: true, allow: [53/udp, 80-81/tcp]}\n")
	one, two := twoGuests(t, a)
	host.listens(services(slices.Concat(another, far))...)
	one.listens("tcp/:8080")
	ownServices(t)

	type attempt struct {
		from  *guestHost
		place string
		want  bool
	}
	var tests []attempt
	for _, address := range slices.Concat(own, another) {
		for _, service := range []string{"tcp/%:80", "tcp/%:81", "udp/%:53"} {
			tests = append(tests, attempt{one, strings.Replace(service, "%", address, 1), true})
		}
		for _, service := range []string{"tcp/%:22", "udp/%:54"} {
			tests = append(tests, attempt{one, strings.Replace(service, "%", address, 1), false})
		}
	}
	for _, address := range far {
		tests = append(tests, attempt{one, "tcp/" + address + ":22", true}, attempt{one, "udp/" + address + ":54", true})
	}
	// From a link-local address a VM sends no TCP at all.
	tests = append(tests, attempt{one, "tcp/[fe80::1%eth0]:22 2001:db8:100::1", false}, attempt{one, "tcp/[fe80::1%eth0]:80 2001:db8:100::1", true})
	// Hosts still reach VMs, and VMs each other.
	tests = append(tests,
		attempt{host, "tcp/203.0.113.1:8080", true}, attempt{host, "tcp/[2001:db8:100::1]:8080", true},
		attempt{two, "tcp/203.0.113.1:8080", true}, attempt{two, "tcp/[2001:db8:100::1]:8080", true})
	// A VM of another node, to an address that no inventory has.
	host.run("ip", "addr", "add", "203.0.113.9/32", "dev", "eth0")
	must(t, "ip", "route", "add", "203.0.113.9", "via", "10.10.0.11")
	tests = append(tests, attempt{host, "tcp/192.0.2.77:22 203.0.113.9", false}, attempt{host, "tcp/192.0.2.77:80 203.0.113.9", true},
		attempt{host, "tcp/192.0.2.77:22 10.10.0.11", true})
	got := make(chan string, len(tests))
	for _, x := range tests {
		go func() {
			if reached := x.from.dials(x.place); reached != x.want {
				got <- x.place
				return
			}
			got <- ""
		}()
	}
	for range tests {
		if place := <-got; place != "" {
			t.Errorf("%s: reached or not, it is the other way round", place)
		}
	}
	for _, target := range []string{"10.0.0.1", "fe80::1%eth0", "10.10.0.21", "fd00:10::21", "10.10.0.11", "fd00:10::11"} {
		if !one.pings(target) {
			t.Errorf("%s does not answer pings", target)
		}
	}
	if s := a.status(); s.Dropped.Reasons["protected"] == 0 || s.Dropped.VMs["one"] == 0 || s.Dropped.VMs["two"] != 0 {
		t.Errorf("dropped: %+v", s.Dropped)
	}

	// Questions to all neighbors are no offence.
	was := a.status().Dropped.Reasons["protected"]
	one.sendsFrames(slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, hardware(t, one.mac()), []byte{8, 0},
		udp("0.0.0.0", "255.255.255.255", 68, 67)))
	if n := a.status().Dropped.Reasons["protected"] - was; n != 0 {
		t.Errorf("the question for DHCP is counted: %d", n)
	}
	// What is always closed keeps its own reason.
	one.sends(tcp("203.0.113.1", "10.10.0.11", 1234, 179), tcp("203.0.113.1", "10.10.0.21", 1234, 179))
	if n := a.status().Dropped.Reasons["bgp"]; n != 2 {
		t.Errorf("%d packets were dropped as bgp", n)
	}
}

// Without protect, VMs reach what they always have.
func TestLabHostsThatAreNotProtected(t *testing.T) {
	if !inNetns(t) {
		return
	}
	host := newUplink(t)
	a := newAgent(t, uplinkConfig)
	one, _ := twoGuests(t, a)
	host.listens(services(slices.Concat(another, far))...)
	ownServices(t)
	for _, address := range slices.Concat(own, another, far) {
		for _, place := range []string{"tcp/" + address + ":22", "udp/" + address + ":54"} {
			if !one.dials(place) {
				t.Errorf("%s does not answer", place)
			}
		}
	}
}
