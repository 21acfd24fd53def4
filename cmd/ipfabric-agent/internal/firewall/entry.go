package firewall

import (
	"net/netip"
	"strings"
)

// An Entry lets one interface send from one address, or, without an address,
// says that the interface is a VM's.
type Entry struct {
	Device string
	Addr   netip.Addr
}

const ifnameLen = 16 // IFNAMSIZ

// key says which set an entry is in, and by which bytes.
func (e Entry) key() (set string, key []byte) {
	key = make([]byte, ifnameLen, ifnameLen+16)
	copy(key, e.Device)
	switch {
	case !e.Addr.IsValid():
		return setVMs, key
	case e.Addr.Is4():
		return setSources4, append(key, e.Addr.AsSlice()...)
	}
	return setSources6, append(key, e.Addr.AsSlice()...)
}

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
