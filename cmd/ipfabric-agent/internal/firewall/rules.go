package firewall

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Reasons to drop a packet: the names of the chains that do.
const (
	Spoofed   = "spoofed"
	ARP       = "arp"
	LinkLocal = "link_local"
	Discovery = "neighbor_discovery"
	RA        = "router_advertisement"
	DHCP      = "dhcp_server"
	Fragment  = "fragment"
	BGP       = "bgp"
	BFD       = "bfd"
	VXLAN     = "vxlan"
	Metrics   = "metrics"
	Protected = "protected"
	Isolated  = "isolated"
)

// Options are what the rules depend on, besides the VMs.
type Options struct {
	Isolate     bool         // no VM to VM traffic on this node
	MetricsPort int          // of the agent on each node; 0 is none
	Gateway4    netip.Addr   // the VMs' gateway; may be zero
	Gateway6    netip.Addr   // the VMs' gateway, link-local; may be zero
	Fabric      []netip.Addr // of the fabric's hosts
	// Protect: VMs reach nothing of the fabric's hosts but ICMP and Open. Pools
	// are the networks of all VMs.
	Protect bool
	Open    []Ports
	Pools   []netip.Prefix
}

// Ports are a protocol's ports from First to Last, in that order.
type Ports struct {
	Protocol    byte // unix.IPPROTO_TCP or unix.IPPROTO_UDP
	First, Last uint16
}

// A rule is what it matches and what happens then. Its text is what it is
// compared by, and is put into its comment.
type rule struct {
	text  string
	exprs []expr.Any
}

// A chain is a list of rules, at a hook or to go to.
type chain struct {
	family   nftables.TableFamily
	name     string
	hook     *nftables.ChainHook
	priority *nftables.ChainPriority
	reason   bool // it drops and counts
	rules    []rule
}

// Chains that others go to.
const (
	closedPorts     = "closed_ports"      // what the fabric's hosts do not take from VMs
	linkLocalSource = "link_local_source" // who may send from a link-local address
	fragments       = "fragments"         // of IPv4
)

// chains is the whole ruleset.
func chains(o Options, inet, arp *part) []chain {
	filter := nftables.ChainPriorityFilter
	notAVM := rule{"not from a VM", all(iifname(), inet.notIn(setVMs), accept())}
	out := []chain{
		{name: "prerouting", hook: nftables.ChainHookPrerouting, priority: nftables.ChainPriorityRaw,
			rules: append([]rule{notAVM}, fromVM(o, inet)...)},
		{name: "input", hook: nftables.ChainHookInput, priority: filter,
			rules: append(fromPools(o), notAVM, rule{"to this node", to(closedPorts)})},
		{name: "forward", hook: nftables.ChainHookForward, priority: filter,
			rules: append([]rule{notAVM}, forwarded(o, inet)...)},
		{name: linkLocalSource, rules: linkLocal(inet)},
		{name: fragments, rules: fragmented(o, inet)},
		{name: closedPorts, rules: closed(o)},
	}
	reasons := []string{Spoofed, LinkLocal, Discovery, RA, DHCP, Fragment, BGP, BFD, VXLAN}
	if o.MetricsPort != 0 {
		reasons = append(reasons, Metrics)
	}
	if o.Protect {
		reasons = append(reasons, Protected)
	}
	if o.Isolate {
		reasons = append(reasons, Isolated)
	}
	for _, r := range reasons {
		out = append(out, dropped(r, inet))
	}
	for i := range out {
		out[i].family = nftables.TableFamilyINet
	}
	return append(out, arpChains(arp)...)
}

// dropped is the chain of a reason. Its two rules are not one: an update of a
// full set ends its rule.
func dropped(reason string, p *part) chain {
	return chain{name: reason, reason: true, rules: []rule{
		{"remember", all(iifname(), p.update(setOffenders, &expr.Counter{}))},
		{"drop", all([]expr.Any{&expr.Counter{}}, drop())},
	}}
}

// fromVM says what a VM may send, whoever it is for.
func fromVM(o Options, p *part) []rule {
	// The interface in register 1 and the address in register 2 are one key.
	is4 := all(ipv4(), iifname(), source4(2), p.in(setSources4))
	is6 := all(ipv6(), iifname(), source6(2), p.in(setSources6))
	linkLocals := netip.MustParsePrefix("fe80::/10")
	local := all(ipv6(), source6(1), within(linkLocals))
	gateway := o.Gateway6
	if !gateway.IsValid() {
		gateway = netip.IPv6Unspecified() // which is not link-local
	}
	toOther := all(ipv6(), dest6(), compare(expr.CmpOpNeq, gateway.AsSlice()), within(linkLocals))
	unspecified := all(ipv6(), source6(1), equal(make([]byte, 16)))
	discover := all(ipv4(),
		load(1, network, 12, 8), equal([]byte{0, 0, 0, 0, 255, 255, 255, 255}),
		port(unix.IPPROTO_UDP, fromPort, 68), port(unix.IPPROTO_UDP, toPort, 67))
	tooFast := over(discoveryRate, expr.LimitTimeSecond, discoveryBurst)
	return []rule{
		{"icmpv6 router advertisement", all(icmpv6(134, 134), to(RA))},
		{"icmpv6 redirect", all(icmpv6(137, 137), to(RA))},
		{"too many solicitations and advertisements", all(icmpv6(133, 136), iifname(), p.update(setDiscovery, tooFast), to(Discovery))},
		{"udp sport 67", all(ipv4(), port(unix.IPPROTO_UDP, fromPort, 67), to(DHCP))},
		{"udp sport 547", all(ipv6(), port(unix.IPPROTO_UDP, fromPort, 547), to(DHCP))},
		{"an IPv4 fragment", all(fragment4(), through(fragments))},
		// The kernel would look for that neighbor, on the VM's own interface.
		{"to a link-local address but the gateway's", all(toOther, to(LinkLocal))},
		{"its IPv4 address", all(is4, accept())},
		{"its IPv6 address", all(is6, accept())},
		// Neighbor discovery and pings of the gateway; none of it is forwarded.
		{"icmpv6 from a link-local address", all(local, protocol(unix.IPPROTO_ICMPV6), to(linkLocalSource))},
		{"DHCPv6 solicit", all(local, port(unix.IPPROTO_UDP, fromPort, 546), port(unix.IPPROTO_UDP, toPort, 547), to(linkLocalSource))},
		// Duplicate address detection, router solicitations, MLDv2 reports. The
		// kernel makes no neighbor of a sender without an address.
		{"neighbor solicitation from ::", all(unspecified, icmpv6(135, 135), accept())},
		{"router solicitation from ::", all(unspecified, icmpv6(133, 133), accept())},
		{"MLD report from ::", all(unspecified, icmpv6(143, 143), accept())},
		// A guest that asks for DHCP before it knows its address is no offender.
		{"DHCP discover", all(discover, accept())},
		{"any other", to(Spoofed)},
	}
}

// linkLocal says which link-local addresses a VM may send from. The kernel puts
// each of them into its neighbor table.
func linkLocal(p *part) []rule {
	source := all(iifname(), source6(2))
	return []rule{
		{"its MAC's", all(source, p.in(setLinkLocal), accept())},
		{"learned", all(source, p.in(setLearned), accept())},
		{"too many new ones", all(iifname(), p.update(setLearning, over(learnRate, expr.LimitTimeHour, learnBurst)), to(LinkLocal))},
		{"a new one", all(source, p.add(setLearned), accept())},
		{"no room for it", to(LinkLocal)},
	}
}

// fragmented keeps IPv4 fragments from the fabric's hosts. The kernel puts those
// for this node together before the hook input, in memory that all senders share.
func fragmented(o Options, p *part) []rule {
	out := []rule{{"to a host of the fabric", all(dest4(), p.in(setFabric4), to(Fragment))}}
	if o.Gateway4.Is4() {
		out = append(out, rule{"to the gateway " + o.Gateway4.String(), all(dest4(), equal(o.Gateway4.AsSlice()), to(Fragment))})
	}
	return out
}

// forwarded is about packets from a VM that leave the node or go to another VM.
func forwarded(o Options, p *part) []rule {
	out := []rule{
		{"to a host of the fabric", all(ipv4(), dest4(), p.in(setFabric4), to(closedPorts))},
		{"to a host of the fabric, IPv6", all(ipv6(), dest6(), p.in(setFabric6), to(closedPorts))},
	}
	if o.Isolate {
		out = append(out, rule{"to a VM", all(oifname(), p.in(setVMs), to(Isolated))})
	}
	return out
}

// arpChains bind ARP senders to the VM. The address of a probe is 0.0.0.0 (RFC
// 5227); the kernel makes no neighbor of it.
func arpChains(p *part) []chain {
	const sender = 14 // of a header for Ethernet and IPv4; the kernel has dropped any other
	out := []chain{
		{name: "input", hook: hookARPInput, priority: nftables.ChainPriorityFilter, rules: []rule{
			{"not from a VM", all(iifname(), p.notIn(setVMs), accept())},
			{"its IPv4 address", all(iifname(), load(2, network, sender, 4), p.in(setSources4), accept())},
			{"probe", all(load(1, network, sender, 4), equal(make([]byte, 4)), accept())},
			{"any other", to(ARP)},
		}},
		dropped(ARP, p),
	}
	for i := range out {
		out[i].family = nftables.TableFamilyARP
	}
	return out
}

// hookARPInput is NF_ARP_IN (linux/netfilter_arp.h).
var hookARPInput = nftables.ChainHookRef(0)

// fingerprint stands for the whole ruleset. Each rule carries it in its
// comment, so that rules of another version of the agent, or for other
// options, are known for what they are.
func fingerprint(cs []chain, fabric []netip.Addr, parts ...*part) string {
	h := sha256.New()
	fmt.Fprintln(h, fabric)
	for _, p := range parts {
		for _, name := range slices.Sorted(maps.Keys(p.sets)) {
			s := p.sets[name]
			fmt.Fprintln(h, "set", p.table.Family, name, s.KeyType, s.Constant, s.Dynamic, s.Timeout, s.Size)
		}
	}
	for _, c := range cs {
		fmt.Fprintf(h, "chain %d %s\n", c.family, c.name)
		for _, r := range c.rules {
			fmt.Fprintf(h, "%s: ", r.text)
			for _, e := range r.exprs {
				data, err := expr.Marshal(byte(c.family), e)
				fmt.Fprintf(h, "%x %v ", data, err)
			}
			fmt.Fprintln(h)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:8]
}
