//go:build lab

package main

import (
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// sends puts an IP packet on the guest's wire, addressed to the gateway.
func (g *guestHost) sends(packet []byte) {
	g.t.Helper()
	kind := []byte{0x08, 0x00}
	if packet[0]>>4 == 6 {
		kind = []byte{0x86, 0xdd}
	}
	frame := append([]byte{2, 0, 0, 0, 0, 1}, hardware(g.t, g.mac())...)
	g.sendsFrame(append(append(frame, kind...), packet...))
}

// sendsFrame puts a frame on the guest's wire: TestMain does it, in the guest's
// namespace.
func (g *guestHost) sendsFrame(frame []byte) {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	g.run("env", "IPFABRIC_TEST_FRAME="+hex.EncodeToString(frame), self)
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
// is tested here comes before anybody looks at it.
func ip(src, dst string, protocol byte, payload []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	if s.Is6() {
		h := []byte{0x60, 0, 0, 0, 0, byte(len(payload)), protocol, 255}
		h = append(append(h, s.AsSlice()...), d.AsSlice()...)
		return append(h, payload...)
	}
	h := []byte{0x45, 0, 0, byte(20 + len(payload)), 0, 1, 0, 0, 64, protocol, 0, 0}
	h = append(append(h, s.AsSlice()...), d.AsSlice()...)
	var sum uint32
	for i := 0; i < len(h); i += 2 {
		sum += uint32(h[i])<<8 | uint32(h[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum))
	return append(h, payload...)
}
