package firewall

import (
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const (
	network   = expr.PayloadBaseNetworkHeader
	transport = expr.PayloadBaseTransportHeader
	fromPort  = 0
	toPort    = 2
)

func all(parts ...[]expr.Any) []expr.Any {
	var out []expr.Any
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

func drop() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}} }

func to(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

// through is to with a way back: a packet that the chain does not decide goes on
// with the next rule.
func through(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}}
}

func iifname() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}}
}

func oifname() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}}
}

func load(register uint32, base expr.PayloadBase, offset, length uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}}
}

// Where addresses are in the headers of each IP version.
func source4(register uint32) []expr.Any { return load(register, network, 12, 4) }
func source6(register uint32) []expr.Any { return load(register, network, 8, 16) }
func dest4() []expr.Any                  { return load(1, network, 16, 4) }
func dest6() []expr.Any                  { return load(1, network, 24, 16) }

func equal(data []byte) []expr.Any { return compare(expr.CmpOpEq, data) }

func compare(op expr.CmpOp, data []byte) []expr.Any {
	return []expr.Any{&expr.Cmp{Op: op, Register: 1, Data: data}}
}

// between compares numbers in network byte order.
func between(first, last []byte) []expr.Any {
	return all(compare(expr.CmpOpGte, first), compare(expr.CmpOpLte, last))
}

func and(mask []byte) []expr.Any {
	return []expr.Any{&expr.Bitwise{
		SourceRegister: 1, DestRegister: 1, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask)),
	}}
}

// within says whether register 1, loaded with an address, is in a network.
func within(p netip.Prefix) []expr.Any {
	mask := make([]byte, p.Addr().BitLen()/8)
	for bit := range p.Bits() {
		mask[bit/8] |= 0x80 >> (bit % 8)
	}
	return all(and(mask), equal(p.Masked().Addr().AsSlice()))
}

func family(f byte) []expr.Any {
	return all([]expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}}, equal([]byte{f}))
}

func ipv4() []expr.Any { return family(unix.NFPROTO_IPV4) }
func ipv6() []expr.Any { return family(unix.NFPROTO_IPV6) }

func protocol(p byte) []expr.Any {
	return all([]expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}}, equal([]byte{p}))
}

func port(proto byte, which uint32, number uint16) []expr.Any {
	return all(protocol(proto), load(1, transport, which, 2), equal(binaryutil.BigEndian.PutUint16(number)))
}

func portRange(proto byte, which uint32, first, last uint16) []expr.Any {
	return all(protocol(proto), load(1, transport, which, 2),
		between(binaryutil.BigEndian.PutUint16(first), binaryutil.BigEndian.PutUint16(last)))
}

func icmpv6(first, last byte) []expr.Any {
	return all(ipv6(), protocol(unix.IPPROTO_ICMPV6), load(1, transport, 0, 1), between([]byte{first}, []byte{last}))
}

// fragment4 matches every fragment: more are to follow, or it is not the first.
func fragment4() []expr.Any {
	return all(ipv4(), load(1, network, 6, 2), and([]byte{0x3f, 0xff}), compare(expr.CmpOpNeq, []byte{0, 0}))
}

// fragment6 matches every packet with a fragment header, behind whatever other
// headers.
func fragment6() []expr.Any {
	return all(ipv6(), []expr.Any{&expr.Exthdr{
		DestRegister: 1, Type: unix.IPPROTO_FRAGMENT, Len: 1, Flags: unix.NFT_EXTHDR_F_PRESENT, Op: expr.ExthdrOpIpv6,
	}}, equal([]byte{1}))
}
