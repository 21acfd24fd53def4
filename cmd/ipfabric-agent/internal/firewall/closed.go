package firewall

import (
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// closed says what a host of the fabric does not take from a VM. A packet comes
// here on the VM's node: at the hook input if it is for this node, else at the
// hook forward.
func closed(o Options) []rule {
	out := []rule{
		// A first fragment may end before the ports, which then no rule sees.
		{"an IPv6 fragment", all(fragment6(), to(Fragment))},
		{"tcp dport 179", all(port(unix.IPPROTO_TCP, toPort, 179), to(BGP))},
		{"udp dport 3784", all(port(unix.IPPROTO_UDP, toPort, 3784), to(BFD))},
		{"udp dport 3785", all(port(unix.IPPROTO_UDP, toPort, 3785), to(BFD))},
		{"udp dport 4784", all(port(unix.IPPROTO_UDP, toPort, 4784), to(BFD))},
		{"udp dport 4789", all(port(unix.IPPROTO_UDP, toPort, 4789), to(VXLAN))},
	}
	if o.MetricsPort != 0 {
		out = append(out, rule{
			fmt.Sprintf("tcp dport %d", o.MetricsPort),
			all(port(unix.IPPROTO_TCP, toPort, uint16(o.MetricsPort)), to(Metrics)),
		})
	}
	if o.Protect {
		out = append(out, protected(o.Open)...)
	}
	return out
}

// protected closes everything else but ICMP and what is open. It needs no
// connection tracking, whose table all VMs of a node would share: without a SYN
// no connection begins, and the answers of a VM that a host has connected to
// pass.
func protected(open []Ports) []rule {
	var out []rule
	for _, p := range open {
		name := map[byte]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp"}[p.Protocol]
		out = append(out, rule{
			fmt.Sprintf("open %s dport %d-%d", name, p.First, p.Last),
			all(portRange(p.Protocol, toPort, p.First, p.Last), accept()),
		})
	}
	const syn, ack = 0x02, 0x10
	flags := load(1, transport, 13, 1)
	return append(out,
		rule{"icmp", all(ipv4(), protocol(unix.IPPROTO_ICMP), accept())},
		rule{"icmpv6", all(ipv6(), protocol(unix.IPPROTO_ICMPV6), accept())},
		rule{"tcp, not a new connection", all(protocol(unix.IPPROTO_TCP), flags, and([]byte{syn | ack}), compare(expr.CmpOpNeq, []byte{syn}), accept())},
		// Questions to all neighbors, such as for DHCP or mDNS, are no offence.
		rule{"broadcast and multicast", all([]expr.Any{&expr.Meta{Key: expr.MetaKeyPKTTYPE, Register: 1}}, compare(expr.CmpOpNeq, []byte{unix.PACKET_HOST}), drop())},
		rule{"any other", to(Protected)},
	)
}

// fromPools protects this node from the VMs of other nodes as well, at addresses
// too that the inventory does not have.
func fromPools(o Options) []rule {
	if !o.Protect {
		return nil
	}
	var out []rule
	for _, p := range o.Pools {
		is, source := ipv4(), source4(1)
		if p.Addr().Is6() {
			is, source = ipv6(), source6(1)
		}
		out = append(out, rule{"from a VM anywhere, " + p.String(), all(is, source, within(p), to(closedPorts))})
	}
	return out
}
