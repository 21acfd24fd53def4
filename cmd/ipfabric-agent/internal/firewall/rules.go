package firewall

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Names of the sets. The first three say what is allowed.
const (
	setVMs       = "vms"       // interfaces of VMs
	setSources4  = "sources4"  // interface . address
	setSources6  = "sources6"  // interface . address
	setOffenders = "offenders" // interfaces whose packets were dropped
	setFabric4   = "fabric4"   // addresses of the fabric's hosts
	setFabric6   = "fabric6"
)

// Reasons to drop a packet: the names of the chains that do.
const (
	Spoofed  = "spoofed"
	RA       = "router_advertisement"
	DHCP     = "dhcp_server"
	BGP      = "bgp"
	BFD      = "bfd"
	VXLAN    = "vxlan"
	Metrics  = "metrics"
	Isolated = "isolated"
)

// Options are what the rules depend on, besides the VMs.
type Options struct {
	Isolate     bool // no VM to VM traffic on this node
	MetricsPort int  // of the agent on each node; 0 is none
	Fabric      []netip.Addr
}

// A rule is what it matches and what happens then. Its text is what it is
// compared by, and is put into its comment.
type rule struct {
	text  string
	exprs []expr.Any
}

// A chain is a list of rules, at a hook or to go to.
type chain struct {
	name     string
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	reason   bool // it drops and counts
	rules    []rule
}

// A lookup makes the expression that looks into a set.
type lookup func(set string, invert bool) expr.Any

// chains is the whole ruleset.
func chains(o Options, in lookup, update func() expr.Any) []chain {
	reasons := []string{Spoofed, RA, DHCP, BGP, BFD, VXLAN}
	closed := []rule{
		{"tcp dport 179", all(port(unix.IPPROTO_TCP, toPort, 179), to(BGP))},
		{"udp dport 3784", all(port(unix.IPPROTO_UDP, toPort, 3784), to(BFD))},
		{"udp dport 3785", all(port(unix.IPPROTO_UDP, toPort, 3785), to(BFD))},
		{"udp dport 4784", all(port(unix.IPPROTO_UDP, toPort, 4784), to(BFD))},
		{"udp dport 4789", all(port(unix.IPPROTO_UDP, toPort, 4789), to(VXLAN))},
	}
	if o.MetricsPort != 0 {
		reasons = append(reasons, Metrics)
		closed = append(closed, rule{
			fmt.Sprintf("tcp dport %d", o.MetricsPort),
			all(port(unix.IPPROTO_TCP, toPort, uint16(o.MetricsPort)), to(Metrics)),
		})
	}
	notAVM := rule{"not from a VM", all(notFromVM(in), accept())}
	forward := []rule{
		notAVM,
		{"to a host of the fabric", all(family(unix.NFPROTO_IPV4), load(1, network, 16, 4), []expr.Any{in(setFabric4, false)}, to(closedPorts))},
		{"to a host of the fabric, IPv6", all(family(unix.NFPROTO_IPV6), load(1, network, 24, 16), []expr.Any{in(setFabric6, false)}, to(closedPorts))},
	}
	if o.Isolate {
		reasons = append(reasons, Isolated)
		forward = append(forward, rule{"to a VM", all(oifname(), []expr.Any{in(setVMs, false)}, to(Isolated))})
	}
	filter := nftables.ChainPriorityFilter
	out := []chain{
		{name: "prerouting", hook: nftables.ChainHookPrerouting, priority: nftables.ChainPriorityRaw, rules: fromVM(in)},
		{name: "input", hook: nftables.ChainHookInput, priority: filter, rules: []rule{notAVM, {"to this node", to(closedPorts)}}},
		{name: "forward", hook: nftables.ChainHookForward, priority: filter, rules: forward},
		{name: closedPorts, rules: closed},
	}
	for _, r := range reasons {
		// The two rules are not one: an update of a full set ends its rule.
		out = append(out, chain{name: r, reason: true, rules: []rule{
			{"remember", all(iifname(), []expr.Any{update()})},
			{"drop", []expr.Any{&expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}}},
		}})
	}
	return out
}

// closedPorts is the chain of what the fabric's hosts speak among themselves.
const closedPorts = "closed_ports"

// fromVM says what a VM may send, whoever it is for.
func fromVM(in lookup) []rule {
	// The interface in register 1 and the address in register 2 are one key.
	source4 := all(family(unix.NFPROTO_IPV4), iifname(), load(2, network, 12, 4), []expr.Any{in(setSources4, false)})
	source6 := all(family(unix.NFPROTO_IPV6), iifname(), load(2, network, 8, 16), []expr.Any{in(setSources6, false)})
	linkLocal := all(family(unix.NFPROTO_IPV6), load(1, network, 8, 2), masked([]byte{0xff, 0xc0}, []byte{0xfe, 0x80}))
	unspecified6 := all(family(unix.NFPROTO_IPV6), load(1, network, 8, 16), equal(make([]byte, 16)))
	discover := all(family(unix.NFPROTO_IPV4),
		load(1, network, 12, 8), equal([]byte{0, 0, 0, 0, 255, 255, 255, 255}),
		port(unix.IPPROTO_UDP, fromPort, 68), port(unix.IPPROTO_UDP, toPort, 67))
	return []rule{
		{"not from a VM", all(notFromVM(in), accept())},
		{"icmpv6 router advertisement", all(icmpv6(134), to(RA))},
		{"icmpv6 redirect", all(icmpv6(137), to(RA))},
		{"udp sport 67", all(family(unix.NFPROTO_IPV4), port(unix.IPPROTO_UDP, fromPort, 67), to(DHCP))},
		{"udp sport 547", all(family(unix.NFPROTO_IPV6), port(unix.IPPROTO_UDP, fromPort, 547), to(DHCP))},
		{"its IPv4 address", all(source4, accept())},
		{"its IPv6 address", all(source6, accept())},
		// Neighbor discovery and pings of the gateway; none of it is forwarded.
		{"icmpv6 from a link-local address", all(linkLocal, protocol(unix.IPPROTO_ICMPV6), accept())},
		// Duplicate address detection, router solicitations, MLDv2 reports.
		{"neighbor solicitation from ::", all(unspecified6, icmpv6(135), accept())},
		{"router solicitation from ::", all(unspecified6, icmpv6(133), accept())},
		{"MLD report from ::", all(unspecified6, icmpv6(143), accept())},
		// A guest that asks for DHCP before it knows better is no offender.
		{"DHCP discover", all(discover, accept())},
		{"DHCPv6 solicit", all(linkLocal, port(unix.IPPROTO_UDP, fromPort, 546), port(unix.IPPROTO_UDP, toPort, 547), accept())},
		{"any other", to(Spoofed)},
	}
}

// fingerprint stands for the whole ruleset. Each rule carries it in its
// comment, so that rules of another version of the agent, or for other
// options, are known for what they are.
func fingerprint(cs []chain, fabric []netip.Addr) string {
	h := sha256.New()
	fmt.Fprintln(h, fabric)
	for _, c := range cs {
		fmt.Fprintf(h, "chain %s\n", c.name)
		for _, r := range c.rules {
			fmt.Fprintf(h, "%s: ", r.text)
			for _, e := range r.exprs {
				data, err := expr.Marshal(byte(nftables.TableFamilyINet), e)
				fmt.Fprintf(h, "%x %v ", data, err)
			}
			fmt.Fprintln(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}

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

func to(chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: chain}}
}

func iifname() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}}
}

func oifname() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}}
}

func notFromVM(in lookup) []expr.Any { return all(iifname(), []expr.Any{in(setVMs, true)}) }

func load(register uint32, base expr.PayloadBase, offset, length uint32) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}}
}

func equal(data []byte) []expr.Any {
	return []expr.Any{&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: data}}
}

func masked(mask, value []byte) []expr.Any {
	return all([]expr.Any{&expr.Bitwise{
		SourceRegister: 1, DestRegister: 1, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask)),
	}}, equal(value))
}

func family(f byte) []expr.Any {
	return all([]expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}}, equal([]byte{f}))
}

func protocol(p byte) []expr.Any {
	return all([]expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}}, equal([]byte{p}))
}

func port(proto byte, which uint32, number uint16) []expr.Any {
	return all(protocol(proto), load(1, transport, which, 2), equal(binaryutil.BigEndian.PutUint16(number)))
}

func icmpv6(kind byte) []expr.Any {
	return all(family(unix.NFPROTO_IPV6), protocol(unix.IPPROTO_ICMPV6), load(1, transport, 0, 1), equal([]byte{kind}))
}
