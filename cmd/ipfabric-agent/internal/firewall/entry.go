package firewall

import (
	"net"
	"net/netip"
	"strings"
)

// An Entry lets one interface send from one address, or, without an address,
// says that the interface is a VM's. From a link-local address a VM may send
// ICMPv6 and the questions of a DHCP client only.
type Entry struct {
	Device string
	Addr   netip.Addr
}

const ifnameLen = 16 // IFNAMSIZ

// key says which set of the table inet an entry is in, and by which bytes.
func (e Entry) key() (set string, key []byte) {
	key = make([]byte, ifnameLen, ifnameLen+16)
	copy(key, e.Device)
	switch {
	case !e.Addr.IsValid():
		return setVMs, key
	case e.Addr.Is4():
		return setSources4, append(key, e.Addr.AsSlice()...)
	case e.Addr.IsLinkLocalUnicast():
		return setLinkLocal, append(key, e.Addr.AsSlice()...)
	}
	return setSources6, append(key, e.Addr.AsSlice()...)
}

// arp says whether the table arp has the entry too, in the set of the same name.
func (e Entry) arp() bool { return !e.Addr.IsValid() || e.Addr.Is4() }

// entryOf is the reverse of key.
func entryOf(key []byte) (Entry, bool) {
	if len(key) < ifnameLen {
		return Entry{}, false
	}
	e := Entry{Device: strings.TrimRight(string(key[:ifnameLen]), "\x00")}
	if len(key) == ifnameLen {
		return e, true
	}
	addr, ok := netip.AddrFromSlice(key[ifnameLen:])
	e.Addr = addr
	return e, ok
}

// LinkLocalOf returns the link-local address that a guest makes of its MAC (RFC
// 4862, RFC 4291 appendix A). Of anything but an Ethernet address it returns the
// zero Addr.
func LinkLocalOf(mac net.HardwareAddr) netip.Addr {
	if len(mac) != 6 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte{
		0xfe, 0x80, 8: mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5],
	})
}
