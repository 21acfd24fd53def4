package inventory

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// A rawHost is what the three kinds of hosts have in common.
type rawHost struct {
	at
	kind, example string // "route reflector", "name: rr1"
	name          text
	addresses     *list[text]
	routerID      text
	needRouterID  bool
	ssh           *rawSSH
	overSSH       bool // ipfabric logs in
}

// host checks what all kinds of hosts have, and that no two hosts share what must be unique. It also
// says whether all of the addresses are valid: checks that need an address are left out otherwise.
func (c *checker) host(raw rawHost, ssh SSH) (h Host, complete bool) {
	h.Name = c.name(raw.name, "a "+raw.kind, raw.example, raw.at)
	called := h.Name
	if called == "" {
		called = "a " + raw.kind
	}
	if h.Name != "" {
		c.uniqueName(h.Name, raw.name.at)
	}
	complete = c.addresses(&h, raw, called)
	c.routerID(&h, raw, called, complete)
	h.SSH = c.ssh(raw.ssh, called+": ssh", ssh)
	if h.SSH.Address == "" && !raw.ssh.Address.bad {
		h.SSH.Address = h.bgpAddress()
	}
	if raw.overSSH && h.Name != "" && h.SSH.Address != "" {
		c.sshTarget(h, orPlace(raw.ssh.Address.at, raw.at))
	}
	return h, complete
}

// uniqueName refuses a name that another host has. Upper and lower case are the same, as in DNS and
// in some file systems.
func (c *checker) uniqueName(name string, where at) {
	o, taken := c.take("name "+strings.ToLower(name), name, where)
	if taken {
		c.errorf(where, "give each host a name of its own", "the name %s is taken by %s in line %d", name, o.name, o.line)
	}
}

// take records the owner of a value, or returns the owner that it has already.
func (c *checker) take(thing, name string, where at) (owner, bool) {
	o, taken := c.taken[thing]
	if !taken {
		c.taken[thing] = owner{name: name, line: where.line}
	}
	return o, taken
}

// addresses sorts a host's addresses by IP version and says whether all are valid.
func (c *checker) addresses(h *Host, raw rawHost, called string) (complete bool) {
	const example = `addresses: [10.10.0.11, "fd00:10::11"]`
	if raw.addresses.bad {
		return false
	}
	if len(raw.addresses.items) == 0 {
		c.errorf(orPlace(raw.addresses.at, raw.at), "write "+example+", one of each kind at most", "%s has no addresses", called)
		return false
	}
	taken := 0
	for _, t := range raw.addresses.items {
		a := c.address(t, called, example)
		if !a.IsValid() {
			continue
		}
		slot := &h.IPv6
		if a.Is4() {
			slot = &h.IPv4
		}
		if slot.IsValid() {
			c.errorf(t.at, "write the one that BGP sessions use; SSH may use another: ssh: {address: "+a.String()+"}", "%s: %s is the second IPv%d address", called, a, ipVersion(a))
			continue
		}
		if !c.outsidePools(a, t.at, called, "write an address outside the pools") {
			continue
		}
		if a == c.f.Gateway.IPv4 {
			c.errorf(t.at, "give the gateway an address that nothing else has", "%s: %s is the VMs' gateway", called, a)
			continue
		}
		if o, taken := c.take("address "+a.String(), called, t.at); taken {
			c.errorf(t.at, "give each host addresses of its own", "%s: %s is the address of %s in line %d", called, a, o.name, o.line)
			continue
		}
		*slot = a
		taken++
	}
	return taken == len(raw.addresses.items)
}

func ipVersion(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

func (c *checker) routerID(h *Host, raw rawHost, called string, complete bool) {
	const hint = "write router_id: 10.10.0.11, an IPv4 address or a number in that form that no other host has"
	h.RouterID = h.IPv4
	where := raw.addresses.at
	if raw.routerID.given() {
		where = raw.routerID.at
		h.RouterID = c.dotted(raw.routerID, called+": router_id")
		if !h.RouterID.IsValid() {
			return
		}
	}
	if !h.RouterID.IsValid() {
		if raw.needRouterID && complete {
			c.errorf(orPlace(where, raw.at), hint, "%s has no IPv4 address to take its router ID from", called)
		}
		return
	}
	if o, taken := c.take("router ID "+h.RouterID.String(), called, where); taken {
		c.errorf(where, hint, "%s: the router ID %s is that of %s in line %d", called, h.RouterID, o.name, o.line)
	}
}

// dotted parses a 32 bit number in the form of an IPv4 address.
func (c *checker) dotted(t text, what string) netip.Addr {
	if t.bad {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(t.s)
	if err != nil || !a.Is4() || a.IsUnspecified() {
		c.errorf(t.at, "write four numbers as in an IPv4 address, such as 10.10.0.11", "%s: %s is not a router ID", what, quote(t.s))
		return netip.Addr{}
	}
	return a
}

// sshTarget refuses two hosts that are the same machine: each would overwrite the other's
// configuration.
func (c *checker) sshTarget(h Host, where at) {
	port := h.SSH.Port
	if port == 0 {
		port = 22
	}
	target := fmt.Sprintf("ssh %s %d %q", strings.ToLower(h.SSH.Address), port, h.SSH.Jump)
	if o, taken := c.take(target, h.Name, where); taken {
		c.errorf(where, "write the address or port that is its own", "%s: over SSH it is the same machine as %s in line %d: %s port %s", h.Name, o.name, o.line, h.SSH.Address, strconv.Itoa(port))
	}
}

// bgpAddress is the default for ssh.address.
func (h Host) bgpAddress() string {
	for _, a := range h.Addresses() {
		return a.String()
	}
	return ""
}

func (c *checker) routeReflector(raw *rawRR, ssh SSH, frr FRR) {
	if raw.bad {
		c.reflectorRefused = true
		return
	}
	managed := c.boolean(raw.Managed, named(raw.Name)+"managed", true)
	h, complete := c.host(rawHost{
		at: raw.at, kind: "route reflector", example: "name: rr1", name: raw.Name, addresses: &raw.Addresses,
		routerID: raw.RouterID, needRouterID: managed, ssh: &raw.SSH, overSSH: managed,
	}, ssh)
	c.reflectorRefused = c.reflectorRefused || !complete
	c.system(&h, raw.OS, &raw.FRR, frr)
	rr := RouteReflector{Host: h, Managed: managed, ClusterID: h.RouterID}
	if raw.ClusterID.given() {
		rr.ClusterID = c.dotted(raw.ClusterID, h.Name+": cluster_id")
	}
	if o, taken := c.take("cluster ID "+rr.ClusterID.String(), h.Name, orPlace(raw.ClusterID.at, raw.at)); taken && rr.ClusterID.IsValid() {
		c.warnf(orPlace(raw.ClusterID.at, raw.at), "leave cluster_id out",
			"%s has the cluster ID of %s: they ignore each other's routes, so a node that has lost the one is cut off from a core gateway that has lost the other", h.Name, o.name)
	}
	if !managed && (raw.OS.given() || raw.FRR.given()) {
		c.warnf(orPlace(raw.FRR.at, raw.OS.at), "remove them, or write managed: true", "%s: frr and os are not used: ipfabric leaves this router alone", h.Name)
	}
	c.f.RouteReflectors = append(c.f.RouteReflectors, rr)
}

func (c *checker) coreGateway(raw *rawCore, ssh SSH) {
	if raw.bad {
		return
	}
	glass := c.oneOf(raw.LookingGlass, named(raw.Name)+"looking_glass", "none", "bird", "frr")
	h, complete := c.host(rawHost{
		at: raw.at, kind: "core gateway", example: "name: mx1", name: raw.Name, addresses: &raw.Addresses,
		routerID: raw.RouterID, needRouterID: true, ssh: &raw.SSH, overSSH: glass != "none",
	}, ssh)
	if !raw.Vendor.given() {
		c.errorf(raw.at, "write vendor: "+orList(Vendors()), "%s has no vendor", orKind(h.Name, "a core gateway"))
	}
	if complete {
		c.carriesPools(h, raw.Addresses.at)
	}
	c.f.CoreGateways = append(c.f.CoreGateways, CoreGateway{
		Host:         h,
		Vendor:       c.oneOf(raw.Vendor, named(raw.Name)+"vendor", Vendors()...),
		LookingGlass: glass,
	})
}

func (c *checker) node(raw *rawNode, ssh SSH, frr FRR) {
	if raw.bad {
		return
	}
	h, complete := c.host(rawHost{
		at: raw.at, kind: "node", example: "name: node1", name: raw.Name, addresses: &raw.Addresses,
		routerID: raw.RouterID, needRouterID: true, ssh: &raw.SSH, overSSH: true,
	}, ssh)
	c.system(&h, raw.OS, &raw.FRR, frr)
	if complete {
		c.carriesPools(h, raw.Addresses.at)
	}
	c.f.Nodes = append(c.f.Nodes, Node{Host: h, Virtualization: c.oneOf(raw.Virtualization, named(raw.Name)+"virtualization", "kvm", "lxd")})
}

// carriesPools requires an address of each IP version that the VMs have: IPv4
// routes are announced over IPv4 sessions, IPv6 routes over IPv6 sessions.
func (c *checker) carriesPools(h Host, where at) {
	for _, v4 := range []bool{true, false} {
		has, version, example := h.IPv4.IsValid(), 4, "10.10.0.21"
		if !v4 {
			has, version, example = h.IPv6.IsValid(), 6, `"fd00:10::21"`
		}
		if c.hasPool(v4) && !has {
			c.errorf(where, "add one to its addresses, such as "+example, "%s has no IPv%d address, and there is an IPv%d pool", orKind(h.Name, "it"), version, version)
		}
	}
}

// elNameRE are the names that may be written in place of el8, el9 and el10.
var elNameRE = regexp.MustCompile(`^(?:almalinux|alma|rockylinux|rocky|rhel|centos|oracle|ol)[-_ ]?(8|9|10)$`)

// OperatingSystems are the names that a host's os may have. Package packages of
// steps has what belongs to each.
func OperatingSystems() []string {
	return []string{"debian11", "debian12", "debian13", "ubuntu2004", "ubuntu2204", "ubuntu2404", "el8", "el9", "el10"}
}

// system checks os and frr of a host that runs FRR.
func (c *checker) system(h *Host, os text, raw *rawFRR, def FRR) {
	called := orKind(h.Name, "this host")
	h.FRR = c.frr(raw, called+": frr", def)
	if m := elNameRE.FindStringSubmatch(os.s); m != nil && !os.bad {
		c.errorf(os.at, "write el"+m[1]+", which is AlmaLinux, Rocky, RHEL, CentOS Stream and Oracle Linux", "%s: os: %s is not known", called, quote(os.s))
		return
	}
	if os.given() && !os.bad && os.s != "" {
		h.OS = c.oneOf(os, called+": os", append([]string{""}, OperatingSystems()...)...)
	}
}

// named begins a message about a host with its name, if that is valid.
func named(name text) string {
	if name.bad || nameFault(name.s) != "" {
		return ""
	}
	return name.s + ": "
}

func orKind(name, kind string) string {
	if name == "" {
		return kind
	}
	return name
}
