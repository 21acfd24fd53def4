package reach

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Bits of a connection's state (linux/netfilter/nf_conntrack_common.h).
const (
	stateEstablished = 2
	stateNew         = 8
)

// A packet is a TCP packet to or from a VM. Its ports, and the address at its
// other end, may be any.
type packet struct {
	hook     nftables.ChainHook
	iif, oif device
	src, dst netip.Addr // the VM's; the other one is not valid
	state    uint32
}

func (p *packet) is4() bool { return p.src.Is4() || p.dst.Is4() }

// meta returns what a meta expression loads, nil if it cannot be known.
func (p *packet) meta(key expr.MetaKey) []byte {
	native := binaryutil.NativeEndian
	switch key {
	case expr.MetaKeyIIFNAME:
		return ifname(p.iif.name)
	case expr.MetaKeyIIF:
		return native.PutUint32(uint32(p.iif.index))
	case expr.MetaKeyOIFNAME:
		if p.hook == unix.NF_INET_PRE_ROUTING {
			return nil
		}
		return ifname(p.oif.name)
	case expr.MetaKeyOIF:
		if p.hook == unix.NF_INET_PRE_ROUTING {
			return nil
		}
		return native.PutUint32(uint32(p.oif.index))
	case expr.MetaKeyNFPROTO:
		if p.is4() {
			return []byte{unix.NFPROTO_IPV4}
		}
		return []byte{unix.NFPROTO_IPV6}
	case expr.MetaKeyL4PROTO:
		return []byte{unix.IPPROTO_TCP}
	case expr.MetaKeyPROTOCOL:
		if p.is4() {
			return binary.BigEndian.AppendUint16(nil, unix.ETH_P_IP)
		}
		return binary.BigEndian.AppendUint16(nil, unix.ETH_P_IPV6)
	}
	return nil
}

// ifname is an interface's name as a register holds it.
func ifname(name string) []byte {
	out := make([]byte, unix.IFNAMSIZ)
	copy(out, name)
	return out
}

// network returns a part of the IP header, nil if it cannot be known.
func (p *packet) network(offset, length uint32) []byte {
	end := offset + length
	part := func(a netip.Addr, at uint32) []byte {
		data := a.AsSlice()
		if !a.IsValid() || offset < at || end > at+uint32(len(data)) {
			return nil
		}
		return data[offset-at : end-at]
	}
	if !p.is4() {
		if offset == 6 && length == 1 { // the next header
			return []byte{unix.IPPROTO_TCP}
		}
		if out := part(p.src, 8); out != nil {
			return out
		}
		return part(p.dst, 24)
	}
	if offset == 9 && length == 1 { // the protocol
		return []byte{unix.IPPROTO_TCP}
	}
	if out := part(p.src, 12); out != nil {
		return out
	}
	return part(p.dst, 16)
}

// An answer to whether a rule matches.
type answer int

const (
	no answer = iota
	maybe
	yes
)

func truth(ok bool) answer {
	if ok {
		return yes
	}
	return no
}

func (a answer) not() answer { return yes - a }

// registers hold what was loaded, by their place in bytes. What is not there
// cannot be known.
type registers map[uint32][]byte

// place is where a register begins: 1 to 4 have 16 bytes, 8 to 23 have 4
// (linux/netfilter/nf_tables.h).
func place(register uint32) uint32 {
	if register >= 8 {
		return (register - 8) * 4
	}
	return (register - 1) * 16
}

func (r registers) set(register uint32, value []byte) {
	if value == nil {
		delete(r, place(register))
		return
	}
	r[place(register)] = value
}

func (r registers) get(register uint32) []byte { return r[place(register)] }

// key returns a key of n bytes that begins in a register, nil if a part of it
// cannot be known. The parts of a concatenation begin at multiples of 4 bytes.
func (r registers) key(register uint32, n int) []byte {
	var out []byte
	for at := place(register); len(out) < n; at = place(register) + uint32(len(out)) {
		part := r[at]
		if part == nil {
			return nil
		}
		out = append(out, part...)
		if len(out) < n {
			out = append(out, make([]byte, (4-len(out)%4)%4)...)
		}
	}
	return out[:n]
}

// compare is what a cmp expression says.
func compare(e *expr.Cmp, value []byte) answer {
	if value == nil || len(value) < len(e.Data) {
		return maybe
	}
	n := bytes.Compare(value[:len(e.Data)], e.Data)
	switch e.Op {
	case expr.CmpOpEq:
		return truth(n == 0)
	case expr.CmpOpNeq:
		return truth(n != 0)
	case expr.CmpOpLt:
		return truth(n < 0)
	case expr.CmpOpLte:
		return truth(n <= 0)
	case expr.CmpOpGt:
		return truth(n > 0)
	case expr.CmpOpGte:
		return truth(n >= 0)
	}
	return maybe
}

// bitwise is what a bitwise expression makes of a value. Shifts have no mask.
func bitwise(e *expr.Bitwise, value []byte) []byte {
	n := len(e.Mask)
	if value == nil || n == 0 || len(value) < n || len(e.Xor) < n {
		return nil
	}
	out := make([]byte, n)
	for i := range out {
		out[i] = value[i]&e.Mask[i] ^ e.Xor[i]
	}
	return out
}
