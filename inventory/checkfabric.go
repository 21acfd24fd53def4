package inventory

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
)

// maxCommunities limits the length of the community-list line in frr.conf, and of every route.
const maxCommunities = 16

func newChecker(file string) *checker {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil { // the working directory is gone: paths stay relative
		dir = filepath.Dir(file)
	}
	return &checker{
		problems: problems{file: file},
		f:        &Fabric{File: file},
		dir:      dir,
		taken:    map[string]owner{},
		homes:    os.UserHomeDir,
	}
}

// fabric checks everything. Pools come first, then the gateway, then the hosts, because later
// checks compare with what the earlier ones have accepted.
func (c *checker) fabric(raw *rawFabric) {
	top := at{line: 1, column: 1}
	c.f.Name = c.name(raw.Name, "the fabric", "fabric: lab", top)
	c.asn(raw.AS, top)
	c.communities(&raw.Communities, top)
	c.f.Pools = c.poolList(&raw.Pools, top)
	c.f.Gateway = c.gateway(&raw.Gateway, top)
	c.f.VXLAN = c.boolean(raw.VXLAN, "vxlan", false)
	c.f.IsolateVMs = c.boolean(raw.Isolate, "isolate", false)
	c.f.MetricsListen = c.listen(raw.Metrics, "metrics")
	c.f.Protect = c.protect(&raw.Protect, c.f.MetricsListen)
	c.bgp(&raw.BGP)
	ssh := c.sshDefaults(&raw.SSH)
	coreSSH := ssh
	coreSSH.Sudo = ssh.Sudo && raw.SSH.Sudo.given() // by default without sudo, as they are only queried
	frr := c.frr(&raw.FRR, "frr", FRR{})
	for i := range raw.RouteReflectors.items {
		c.routeReflector(&raw.RouteReflectors.items[i], ssh, frr)
	}
	for i := range raw.CoreGateways.items {
		c.coreGateway(&raw.CoreGateways.items[i], coreSSH)
	}
	for i := range raw.Nodes.items {
		c.node(&raw.Nodes.items[i], ssh, frr)
	}
	c.whole(raw, top)
}

func (c *checker) asn(t text, top at) {
	if !t.given() {
		c.errorf(top, "write as: 65000, or the number that your network has", "the fabric has no AS number")
		return
	}
	if t.bad {
		return
	}
	n, err := ParseASN(t.s)
	if err != nil {
		c.errorf(t.at, "write a number such as 65000, or 1.10 in asdot", "as: %v", err)
		return
	}
	c.f.AS = n
}

func (c *checker) communities(l *list[text], top at) {
	const example = `write communities: ["65000:100"]`
	if l.bad {
		return
	}
	if len(l.items) == 0 {
		c.errorf(orPlace(l.at, top), example+", with what your core gateways look for", "the fabric has no community")
		return
	}
	if len(l.items) > maxCommunities {
		c.errorf(l.at, "leave some out", "communities: %d are more than the %d that every route can carry", len(l.items), maxCommunities)
		return
	}
	for _, t := range l.items {
		if t.bad {
			continue
		}
		m, err := ParseCommunity(t.s)
		if err != nil {
			c.errorf(t.at, example, "communities: %v", err)
			continue
		}
		if slices.Contains(c.f.Communities, m) {
			c.errorf(t.at, "remove one", "communities: %s is there twice", m)
			continue
		}
		c.f.Communities = append(c.f.Communities, m)
	}
}

func (c *checker) poolList(l *list[text], top at) []netip.Prefix {
	if l.bad {
		return nil
	}
	if len(l.items) == 0 {
		c.errorf(orPlace(l.at, top), "write pools: [203.0.113.0/24], the networks that VMs get their addresses from", "the fabric has no pool")
		return nil
	}
	var out []netip.Prefix
	for _, t := range l.items {
		p := c.pool(t)
		if !p.IsValid() {
			continue
		}
		clash := slices.IndexFunc(c.pools, func(o poolAt) bool { return o.Overlaps(p) })
		if clash >= 0 && c.pools[clash].Prefix == p {
			c.errorf(t.at, "remove one", "pools: %s is there twice, first in line %d", p, c.pools[clash].line)
			continue
		}
		if clash >= 0 {
			c.errorf(t.at, "remove one of them", "pools: %s overlaps %s of line %d", p, c.pools[clash].Prefix, c.pools[clash].line)
			continue
		}
		c.pools = append(c.pools, poolAt{p, t.at})
		out = append(out, p)
	}
	return out
}

func (c *checker) pool(t text) netip.Prefix {
	if t.bad {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(t.s)
	if err != nil {
		hint := "write a network such as 203.0.113.0/24"
		if a, err := netip.ParseAddr(t.s); err == nil {
			hint = "write the mask too, such as " + netip.PrefixFrom(a, a.BitLen()).String() + " for one address"
		}
		c.errorf(t.at, hint, "pools: %s is not a network", quote(t.s))
		return netip.Prefix{}
	}
	if p.Addr().Is4In6() {
		c.errorf(t.at, "write it as an IPv4 network", "pools: %s is IPv4 in IPv6 form", t.s)
		return netip.Prefix{}
	}
	if p != p.Masked() {
		c.errorf(t.at, "write "+p.Masked().String()+", or "+netip.PrefixFrom(p.Addr(), p.Addr().BitLen()).String()+" for the one address", "pools: %s has bits set behind its mask", t.s)
		return netip.Prefix{}
	}
	least := 8
	if p.Addr().Is6() {
		least = 16
	}
	if p.Bits() < least {
		c.errorf(t.at, "write the networks that are yours", "pools: %s is larger than a /%d, the largest pool there may be", t.s, least)
		return netip.Prefix{}
	}
	for _, r := range reserved() {
		if p.Overlaps(r) {
			c.errorf(t.at, "write a network whose addresses hosts can have", "pools: %s is in %s, which is reserved", t.s, r)
			return netip.Prefix{}
		}
	}
	return p
}

// reserved are networks that routers do not forward to hosts: this network,
// loopback, link-local, multicast and unassigned ones.
func reserved() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/9", "ff00::/8"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func (c *checker) hasPool(v4 bool) bool {
	return slices.ContainsFunc(c.pools, func(p poolAt) bool { return p.Addr().Is4() == v4 })
}

func (c *checker) gateway(raw *rawGateway, top at) VMGateway {
	g := VMGateway{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	if raw.bad {
		return g
	}
	if raw.MAC.given() {
		g.MAC = c.mac(raw.MAC, "gateway.mac", `mac: "02:00:00:00:00:01"`)
	}
	g.IPv4 = c.gateway4(raw, top)
	g.IPv6 = c.gateway6(raw)
	return g
}

func (c *checker) gateway4(raw *rawGateway, top at) netip.Addr {
	const example = "ipv4: 10.0.0.1"
	if !raw.IPv4.given() {
		if c.hasPool(true) {
			c.errorf(orPlace(raw.at, top), "write gateway: {ipv4: 10.0.0.1}, an address that nothing else in your network has", "the VMs have an IPv4 pool and no IPv4 gateway")
		}
		return netip.Addr{}
	}
	a := c.address(raw.IPv4, "gateway.ipv4", example)
	if !a.IsValid() {
		return a
	}
	if !a.Is4() {
		c.errorf(raw.IPv4.at, "write "+example, "gateway.ipv4: %s is not an IPv4 address", a)
		return netip.Addr{}
	}
	if !c.outsidePools(a, raw.IPv4.at, "gateway.ipv4", "write a private address outside the pools, such as 10.0.0.1") {
		return netip.Addr{}
	}
	if len(c.pools) > 0 && !c.hasPool(true) {
		c.warnf(raw.IPv4.at, "remove it, or add an IPv4 pool", "gateway.ipv4 is not used: there is no IPv4 pool")
		return netip.Addr{}
	}
	cgnat := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	if !a.IsPrivate() && !a.IsLinkLocalUnicast() && !cgnat.Contains(a) {
		c.warnf(raw.IPv4.at, "write a private address such as 10.0.0.1", "gateway.ipv4: VMs cannot reach the public address %s itself, which now is their gateway", a)
	}
	return a
}

func (c *checker) gateway6(raw *rawGateway) netip.Addr {
	a := netip.MustParseAddr("fe80::1")
	if raw.IPv6.given() {
		if raw.IPv6.bad {
			return netip.Addr{}
		}
		var err error
		a, err = netip.ParseAddr(raw.IPv6.s)
		if err != nil || a.Zone() != "" || !a.Is6() || !a.IsLinkLocalUnicast() {
			c.errorf(raw.IPv6.at, `write ipv6: "fe80::1"`, "gateway.ipv6: %s is not a link-local IPv6 address, of fe80::/10", quote(raw.IPv6.s))
			return netip.Addr{}
		}
		if len(c.pools) > 0 && !c.hasPool(false) {
			c.warnf(raw.IPv6.at, "remove it, or add an IPv6 pool", "gateway.ipv6 is not used: there is no IPv6 pool")
		}
	}
	if !c.hasPool(false) {
		return netip.Addr{}
	}
	return a
}

// outsidePools says whether an address is outside all pools. In a pool, it
// could be given to a VM, which would then take over the host's traffic.
func (c *checker) outsidePools(a netip.Addr, where at, what, hint string) bool {
	for _, p := range c.pools {
		if p.Contains(a) {
			c.errorf(where, hint, "%s: %s is in the pool %s, whose addresses are for VMs", what, a, p.Prefix)
			return false
		}
	}
	return true
}

// orPlace is the place of a value, or if it is missing, of what it is missing from.
func orPlace(a, parent at) at {
	if a.given() {
		return a
	}
	return parent
}
