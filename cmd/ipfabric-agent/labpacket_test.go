//go:build lab

package main

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sends puts IP packets on the guest's wire, addressed to the gateway.
func (g *guestHost) sends(packets ...[]byte) {
	g.t.Helper()
	header := append([]byte{2, 0, 0, 0, 0, 1}, hardware(g.t, g.mac())...)
	var frames [][]byte
	for _, packet := range packets {
		kind := []byte{0x08, 0x00}
		if packet[0]>>4 == 6 {
			kind = []byte{0x86, 0xdd}
		}
		frames = append(frames, slices.Concat(header, kind, packet))
	}
	g.sendsFrames(frames...)
}

// sendsFrames puts frames on the guest's wire: TestMain does it, in the guest's
// namespace.
func (g *guestHost) sendsFrames(frames ...[]byte) {
	g.t.Helper()
	var text []string
	for _, f := range frames {
		text = append(text, hex.EncodeToString(f))
	}
	g.run("env", "IPFABRIC_TEST_FRAMES="+strings.Join(text, " "), self(g.t))
}

// self is this test's program.
func self(t *testing.T) string {
	t.Helper()
	file, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func hardware(t *testing.T, s string) []byte {
	t.Helper()
	mac, err := net.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

// rarp is what QEMU sends when a guest has arrived (net/announce.c).
func rarp(mac string) []byte {
	hw, _ := net.ParseMAC(mac)
	frame := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	frame = append(frame, hw...)
	frame = append(frame, 0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3)
	frame = append(frame, hw...)
	frame = append(frame, 0, 0, 0, 0)
	frame = append(frame, hw...)
	return append(frame, make([]byte, 22)...)
}

func udp(src, dst string, from, to uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	return ip(src, dst, unix.IPPROTO_UDP, append(b, 0, 8, 0, 0))
}

func tcp(src, dst string, from, to uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, from)
	b = binary.BigEndian.AppendUint16(b, to)
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2 /* SYN */, 0xff, 0xff, 0, 0, 0, 0)
	return ip(src, dst, unix.IPPROTO_TCP, b)
}

// ip puts a header before a payload. The payload's checksum is left zero: what
// is tested here comes before it matters.
func ip(src, dst string, protocol byte, payload []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	if s.Is6() {
		h := []byte{0x60, 0, 0, 0, 0, byte(len(payload)), protocol, 255}
		h = append(append(h, s.AsSlice()...), d.AsSlice()...)
		return append(h, payload...)
	}
	h := []byte{0x45, 0, 0, byte(20 + len(payload)), 0, 1, 0, 0, 64, protocol, 0, 0}
	h = append(append(h, s.AsSlice()...), d.AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	return append(h, payload...)
}

// icmp6 is an ICMPv6 message with its checksum, for what the kernel has to take.
func icmp6(src, dst string, message ...byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	pseudo := slices.Concat(s.AsSlice(), d.AsSlice(), []byte{0, 0, byte(len(message) >> 8), byte(len(message)), 0, 0, 0, unix.IPPROTO_ICMPV6})
	message[2], message[3] = 0, 0
	binary.BigEndian.PutUint16(message[2:], checksum(pseudo, message))
	return ip(src, dst, unix.IPPROTO_ICMPV6, message)
}

func checksum(parts ...[]byte) uint16 {
	data := slices.Concat(parts...)
	if len(data)%2 == 1 {
		data = append(data, 0)
	}
	var sum uint32
	for i := 0; i < len(data); i += 2 {
		sum += uint32(data[i])<<8 | uint32(data[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// solicit is a neighbor solicitation for an address, whose sender says its MAC
// (RFC 4861).
func solicit(src, target string, mac []byte) []byte {
	t := netip.MustParseAddr(target)
	return icmp6(src, target, slices.Concat([]byte{135, 0, 0, 0, 0, 0, 0, 0}, t.AsSlice(), []byte{1, 1}, mac)...)
}

// arp is a broadcast ARP request for an address.
func arp(mac []byte, sender, target string) []byte {
	return slices.Concat([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac, []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1},
		mac, netip.MustParseAddr(sender).AsSlice(), make([]byte, 6), netip.MustParseAddr(target).AsSlice())
}
