//go:build lab

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory/vm"
)

// A tapGuest is a guest in this process: it holds a VM's tap as QEMU does, and
// answers ARP, neighbor solicitations and pings.
type tapGuest struct {
	vm   vm.VM
	mac  net.HardwareAddr
	tap  *os.File
	done chan error
}

func openTap(v vm.VM) (*tapGuest, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	req, err := unix.NewIfreq(v.Device())
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("%s: %w", v.Device(), err)
	}
	return &tapGuest{
		vm: v, tap: os.NewFile(uintptr(fd), v.Device()), done: make(chan error, 1),
		mac: net.HardwareAddr{0x52, 0x54, 1, 0, v.IPv4.As4()[2], v.IPv4.As4()[3]},
	}, nil
}

// run answers until the tap is closed.
func (g *tapGuest) run() {
	buf := make([]byte, 2048)
	for {
		n, err := g.tap.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			g.done <- nil
			return
		}
		if err != nil {
			g.done <- err
			return
		}
		answer := g.answer(buf[:n])
		if answer == nil {
			continue
		}
		if _, err := g.tap.Write(answer); err != nil && !errors.Is(err, os.ErrClosed) {
			g.done <- err
			return
		}
	}
}

func (g *tapGuest) answer(frame []byte) []byte {
	if len(frame) < 42 {
		return nil
	}
	header := slices.Concat(frame[6:12], g.mac, frame[12:14])
	payload := frame[14:]
	addr := func(from, length int) netip.Addr {
		a, _ := netip.AddrFromSlice(payload[from : from+length])
		return a
	}
	local := firewall.LinkLocalOf(g.mac)
	switch kind := binary.BigEndian.Uint16(frame[12:]); {
	case kind == unix.ETH_P_ARP && payload[7] == 1 && addr(24, 4) == g.vm.IPv4:
		return slices.Concat(header, payload[:7], []byte{2}, g.mac, payload[24:28], payload[8:18])
	case kind == unix.ETH_P_IP && payload[9] == unix.IPPROTO_ICMP && payload[20] == 8 && addr(16, 4) == g.vm.IPv4:
		message := slices.Clone(payload[20:])
		message[0], message[2], message[3] = 0, 0, 0
		binary.BigEndian.PutUint16(message[2:], checksum(message))
		return slices.Concat(header, ip(g.vm.IPv4.String(), addr(12, 4).String(), unix.IPPROTO_ICMP, message))
	case kind == unix.ETH_P_IPV6 && len(payload) >= 48 && payload[6] == unix.IPPROTO_ICMPV6 && payload[40] == 128:
		to := addr(24, 16)
		if to != g.vm.IPv6 && to != local {
			return nil
		}
		message := slices.Clone(payload[40:])
		message[0] = 129
		return slices.Concat(header, icmp6(to.String(), addr(8, 16).String(), message...))
	case kind == unix.ETH_P_IPV6 && len(payload) >= 64 && payload[6] == unix.IPPROTO_ICMPV6 && payload[40] == 135:
		target := addr(48, 16)
		if target != g.vm.IPv6 && target != local {
			return nil
		}
		advert := slices.Concat([]byte{136, 0, 0, 0, 0x60, 0, 0, 0}, payload[48:64], []byte{2, 1}, g.mac)
		return slices.Concat(header, icmp6(target.String(), addr(8, 16).String(), advert...))
	}
	return nil
}

// greets asks for the gateway, as a guest does that has something to send.
func (g *tapGuest) greets() error {
	gateway := []byte{2, 0, 0, 0, 0, 1}
	question := solicit(firewall.LinkLocalOf(g.mac).String(), "fe80::1", g.mac)
	if _, err := g.tap.Write(arp(g.mac, g.vm.IPv4.String(), "10.0.0.1")); err != nil {
		return err
	}
	_, err := g.tap.Write(slices.Concat(gateway, g.mac, []byte{0x86, 0xdd}, question))
	return err
}

// pingAll pings addresses from the node again and again, until all have answered
// or the time is over. It returns those that have not.
func pingAll(t *testing.T, network, source string, addresses []netip.Addr, request byte) []netip.Addr {
	t.Helper()
	conn, err := net.ListenPacket(network, source)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var mu sync.Mutex
	silent := map[netip.Addr]bool{}
	for _, a := range addresses {
		silent[a] = true
	}
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if a, ok := netip.AddrFromSlice(from.(*net.IPAddr).IP); ok && n > 0 && buf[0] != request {
				mu.Lock()
				delete(silent, a.Unmap())
				mu.Unlock()
			}
		}
	}()
	missing := func() []netip.Addr {
		mu.Lock()
		defer mu.Unlock()
		var out []netip.Addr
		for a := range silent {
			out = append(out, a)
		}
		return out
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && len(missing()) > 0; {
		for i, a := range missing() {
			message := []byte{request, 0, 0, 0, 0, 1, 0, 1}
			if request == 8 {
				binary.BigEndian.PutUint16(message[2:], checksum(message))
			}
			// A neighbor table that is full is ENOBUFS here.
			_, _ = conn.WriteTo(message, &net.IPAddr{IP: a.AsSlice()})
			if i%50 == 49 {
				time.Sleep(10 * time.Millisecond) // a pace, not a wait: so many at once are lost on their way
			}
		}
		for wait := time.Now().Add(time.Second); time.Now().Before(wait) && len(missing()) > 0; {
			time.Sleep(10 * time.Millisecond)
		}
	}
	return missing()
}

// roomForNeighbors sets the neighbor tables' limits as `ipfabric init` does for a
// node of so many VMs. The kernel has them once, for all network namespaces.
func roomForNeighbors(t *testing.T, limit int) {
	t.Helper()
	for _, version := range []string{"ipv4", "ipv6"} {
		for name, value := range map[string]int{"gc_thresh1": limit / 4, "gc_thresh2": limit / 2, "gc_thresh3": limit} {
			file := "/proc/sys/net/" + version + "/neigh/default/" + name
			root := []string{"nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", os.Getppid()), "--"} // see inNetns
			old := strings.TrimSpace(must(t, append(root, "cat", file)...))
			if number(t, old) >= value {
				continue
			}
			must(t, append(root, "sh", "-c", fmt.Sprintf("echo %d >%s", value, file))...)
			t.Cleanup(func() { must(t, append(root, "sh", "-c", "echo "+old+" >"+file)...) })
		}
	}
}

// All guests of a full node answer, in both families, and each has made its
// three entries: for its two addresses, and for its link-local one.
func TestLabAThousandGuestsAnswer(t *testing.T) {
	if !inNetns(t) {
		return
	}
	const many = 1000
	roomForNeighbors(t, 40000)
	tables, err := kernel.NeighborTables()
	if err != nil || len(tables) != 2 || tables[0].Limit < 40000 || tables[1].Limit < 40000 {
		t.Fatalf("neighbor tables: %+v, %v", tables, err)
	}
	a := newAgent(t, "")
	a.stop(syscall.SIGTERM)
	stored, err := store.Open(filepath.Join(a.dir, "state"))
	if err != nil {
		t.Fatal(err)
	}
	var vms []vm.VM
	for i := range many {
		v := benchVM(i)
		v.MAC = nil // or the agent makes permanent entries, which do not count
		if err := stored.Put(v); err != nil {
			t.Fatal(err)
		}
		vms = append(vms, v)
	}
	a.start()
	var guests []*tapGuest
	var four, six []netip.Addr
	for _, v := range vms {
		g, err := openTap(v)
		if err != nil {
			t.Fatal(err)
		}
		go g.run()
		defer func() {
			g.tap.Close()
			if err := <-g.done; err != nil {
				t.Errorf("guest %s: %v", v.Name, err)
			}
		}()
		guests = append(guests, g)
		four, six = append(four, v.IPv4), append(six, v.IPv6)
	}
	a.settled()
	must(t, "ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
	must(t, "ip", "addr", "add", "2001:db8:1::1/128", "dev", "lo", "nodad")
	for _, g := range guests {
		if err := g.greets(); err != nil {
			t.Fatal(err)
		}
	}
	if silent := pingAll(t, "ip4:icmp", "192.0.2.1", four, 8); len(silent) > 0 {
		t.Errorf("%d of %d guests do not answer over IPv4, among them %s", len(silent), many, silent[0])
	}
	if silent := pingAll(t, "ip6:ipv6-icmp", "2001:db8:1::1", six, 128); len(silent) > 0 {
		t.Errorf("%d of %d guests do not answer over IPv6, among them %s", len(silent), many, silent[0])
	}
	if after, err := kernel.NeighborTables(); err != nil || len(after) != 2 || after[0].Entries < many || after[1].Entries < 2*many || after[0].Full != tables[0].Full || after[1].Full != tables[1].Full {
		t.Errorf("neighbor tables before: %+v, and now: %+v, %v", tables, after, err)
	}
	if s := a.status(); !s.Healthy || len(s.Dropped.VMs) != 0 {
		t.Errorf("problems %q, dropped %+v", s.Problems, s.Dropped)
	}
	rules := must(t, "nft", "-t", "list", "ruleset")
	if n := strings.Count(rules, "comment"); n > 100 {
		t.Errorf("there are %d rules for %d VMs", n, many)
	}
}
