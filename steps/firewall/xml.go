package firewall

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ipfabric/steps/host"
)

// A policy is one of our policies.
type policy struct {
	name, egress, about string
	rules               []rule
}

// A rule accepts what comes from or goes to somewhere: a set, or a
// network.
type rule struct {
	family string // ipv4, ipv6
	source bool   // else it is about the destination
	set    string
	net    string
	port   string // "" is everything
	proto  string
}

// text is firewalld's own form of the rule.
func (r rule) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, `rule family="%s" `, r.family)
	switch {
	case r.set != "":
		fmt.Fprintf(&b, `source ipset="%s" `, r.set)
	case r.source:
		fmt.Fprintf(&b, `source address="%s" `, r.net)
	default:
		fmt.Fprintf(&b, `destination address="%s" `, r.net)
	}
	if r.port != "" {
		fmt.Fprintf(&b, `port port="%s" protocol="%s" `, r.port, r.proto)
	}
	return b.String() + "accept"
}

func (r rule) xml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "  <rule family=%q>\n", r.family)
	switch {
	case r.set != "":
		fmt.Fprintf(&b, "    <source ipset=%q/>\n", r.set)
	case r.source:
		fmt.Fprintf(&b, "    <source address=%q/>\n", r.net)
	default:
		fmt.Fprintf(&b, "    <destination address=%q/>\n", r.net)
	}
	if r.port != "" {
		fmt.Fprintf(&b, "    <port port=%q protocol=%q/>\n", r.port, r.proto)
	}
	return b.String() + "    <accept/>\n  </rule>\n"
}

func (s open) setNames() []string {
	return slices.Sorted(maps.Keys(s.in))
}

func (s open) policyNames() []string {
	var out []string
	for _, p := range s.policies() {
		out = append(out, p.name)
	}
	return out
}

func (s open) policies() []policy {
	in := policy{name: inPolicy, egress: "HOST", about: "BGP, BFD and VXLAN from the fabric"}
	for _, set := range s.setNames() {
		family := "ipv" + set[len(set)-1:]
		if strings.HasPrefix(set, vtepsSet) {
			in.rules = append(in.rules, rule{family: family, set: set, port: "4789", proto: "udp"})
			continue
		}
		in.rules = append(in.rules, rule{family: family, set: set, port: "179", proto: "tcp"})
		if !s.bfd {
			continue
		}
		for _, port := range []string{"3784-3785", "4784"} { // single hop and echo, multihop
			in.rules = append(in.rules, rule{family: family, set: set, port: port, proto: "udp"})
		}
	}
	if len(s.vms) == 0 {
		return []policy{in}
	}
	vms := policy{name: vmsPolicy, egress: "ANY", about: "what VMs send and receive"}
	for _, pool := range s.vms {
		family := "ipv6"
		if pool.Addr().Is4() {
			family = "ipv4"
		}
		vms.rules = append(vms.rules,
			rule{family: family, source: true, net: pool.String()},
			rule{family: family, net: pool.String()})
	}
	return []policy{in, vms}
}

const xmlHead = `<?xml version="1.0" encoding="utf-8"?>
`

// files are firewalld's permanent configuration: the sets first, which the
// policies name.
func (s open) files() []host.File {
	var out []host.File
	for _, set := range s.setNames() {
		family := "inet"
		if strings.HasSuffix(set, "6") {
			family = "inet6"
		}
		var b strings.Builder
		b.WriteString(xmlHead + "<!-- Written by ipfabric. -->\n<ipset type=\"hash:ip\">\n  <short>" + set + "</short>\n  <option name=\"family\" value=\"" + family + "\"/>\n")
		for _, a := range s.in[set] {
			b.WriteString("  <entry>" + a.String() + "</entry>\n")
		}
		b.WriteString("</ipset>\n")
		out = append(out, host.File{Path: "/etc/firewalld/ipsets/" + set + ".xml", Data: []byte(b.String()), Mode: 0o644})
	}
	for _, p := range s.policies() {
		var b strings.Builder
		b.WriteString(xmlHead + "<!-- Written by ipfabric. -->\n<policy priority=\"-50\" target=\"CONTINUE\">\n  <short>" + p.name + "</short>\n  <description>" + p.about + "</description>\n" +
			"  <ingress-zone name=\"ANY\"/>\n  <egress-zone name=\"" + p.egress + "\"/>\n")
		for _, r := range p.rules {
			b.WriteString(r.xml())
		}
		b.WriteString("</policy>\n")
		out = append(out, host.File{Path: "/etc/firewalld/policies/" + p.name + ".xml", Data: []byte(b.String()), Mode: 0o644})
	}
	return out
}
