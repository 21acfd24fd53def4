package kernel

import (
	"net/netip"
	"strings"
	"syscall"
	"unsafe"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// An ndmsg is the header of a request for neighbors.
type ndmsg struct{ unix.NdMsg }

func (m *ndmsg) Len() int { return unix.SizeofNdMsg }

func (m *ndmsg) Serialize() []byte {
	return (*(*[unix.SizeofNdMsg]byte)(unsafe.Pointer(&m.NdMsg)))[:]
}

func value(attrs []syscall.NetlinkRouteAttr, kind uint16) []byte {
	for _, a := range attrs {
		if a.Attr.Type == kind {
			return a.Value
		}
	}
	return nil
}

func address(attrs []syscall.NetlinkRouteAttr, kind uint16) netip.Addr {
	a, _ := netip.AddrFromSlice(value(attrs, kind))
	return a
}

func number(attrs []syscall.NetlinkRouteAttr, kind uint16) int {
	v := value(attrs, kind)
	if len(v) < 4 {
		return 0
	}
	return int(nl.NativeEndian().Uint32(v))
}

func hardware(attrs []syscall.NetlinkRouteAttr) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i, x := range value(attrs, unix.NDA_LLADDR) {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteByte(digits[x>>4])
		b.WriteByte(digits[x&15])
	}
	return b.String()
}
