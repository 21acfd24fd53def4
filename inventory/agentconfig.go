package inventory

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
)

// An AgentConfig is what a node's agent has to know about the fabric:
// /etc/ipfabric/agent.yaml, written by ipfabric init.
type AgentConfig struct {
	Fabric         string         // the fabric's name
	Node           string         // the node's name
	Gateway        VMGateway      // on every VM interface
	Pools          []netip.Prefix // the agent refuses VM addresses outside of them
	Infrastructure []netip.Addr   // of all hosts of the fabric: VMs do not speak BGP or BFD to them
	Virtualization string         // "kvm" or "lxd"
	MetricsListen  string         // host:port for Prometheus; "" is none
	IsolateVMs     bool           // no VM to VM traffic on this node
	Protect        Protect        // what of the fabric's hosts VMs reach
	MaxPrefixes    int            // of VMs per address family that route reflectors accept from a node; 0: not known
}

// Marshal gives agent.yaml: the same bytes for the same configuration.
func (a AgentConfig) Marshal() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by ipfabric init from the inventory of fabric %s: changes made here are overwritten.\n", a.Fabric)
	fmt.Fprintf(&b, "fabric: %q\n", a.Fabric)
	fmt.Fprintf(&b, "node: %q\n", a.Node)
	fmt.Fprintf(&b, "virtualization: %s\n", a.Virtualization)
	b.WriteString("gateway:\n")
	if a.Gateway.IPv4.IsValid() {
		fmt.Fprintf(&b, "  ipv4: %q\n", a.Gateway.IPv4)
	}
	if a.Gateway.IPv6.IsValid() {
		fmt.Fprintf(&b, "  ipv6: %q\n", a.Gateway.IPv6)
	}
	fmt.Fprintf(&b, "  mac: %q\n", a.Gateway.MAC)
	b.WriteString("pools:\n")
	for _, p := range a.Pools {
		fmt.Fprintf(&b, "  - %q\n", p)
	}
	if len(a.Infrastructure) > 0 {
		b.WriteString("infrastructure:\n")
	}
	for _, addr := range a.Infrastructure {
		fmt.Fprintf(&b, "  - %q\n", addr)
	}
	if a.MetricsListen != "" {
		fmt.Fprintf(&b, "metrics: %q\n", a.MetricsListen)
	}
	fmt.Fprintf(&b, "isolate: %t\n", a.IsolateVMs)
	fmt.Fprintf(&b, "protect:\n  enabled: %t\n", a.Protect.Enabled)
	if len(a.Protect.Allow) > 0 {
		b.WriteString("  allow:\n")
	}
	for _, p := range a.Protect.Allow {
		fmt.Fprintf(&b, "    - %q\n", p)
	}
	if a.MaxPrefixes > 0 {
		fmt.Fprintf(&b, "max_prefixes: %d\n", a.MaxPrefixes)
	}
	return []byte(b.String())
}

// ParseAgentConfig reads what Marshal wrote, as strictly as Parse reads an
// inventory. What matters for every VM has no default, so that a misspelt key
// cannot leave VMs without a rule. The error is Errors without a file's name.
func ParseAgentConfig(data []byte) (*AgentConfig, error) {
	c := newChecker("")
	var raw rawAgent
	if root := c.readYAML(data); root != nil {
		c.decode(root, "", "key: value", &raw)
	}
	var a AgentConfig
	if raw.given() && !raw.bad {
		top := at{line: 1, column: 1}
		a.Fabric = c.name(raw.Fabric, "the fabric", "fabric: lab", top)
		a.Node = c.name(raw.Node, "the node", "node: node1", top)
		a.Virtualization = c.oneOf(raw.Virtualization, "virtualization", "kvm", "lxd")
		if !raw.Virtualization.given() {
			c.errorf(top, "write virtualization: kvm", "virtualization is missing")
		}
		a.Pools = c.poolList(&raw.Pools, top)
		for _, t := range raw.Infrastructure.items {
			if addr := c.address(t, "infrastructure", "infrastructure: [10.10.0.11]"); addr.IsValid() {
				a.Infrastructure = append(a.Infrastructure, addr)
			}
		}
		a.Gateway = c.gateway(&raw.Gateway, top)
		if !raw.Gateway.MAC.given() {
			c.errorf(top, `write mac: "02:00:00:00:00:01"`, "gateway.mac is missing")
		}
		a.MetricsListen = c.listen(raw.Metrics, "metrics")
		a.IsolateVMs = c.boolean(raw.Isolate, "isolate", false)
		a.Protect = c.protect(&raw.Protect, a.MetricsListen)
		a.MaxPrefixes = c.integer(raw.MaxPrefixes, "max_prefixes", 0, 1, math.MaxInt32)
	}
	if len(c.errors) > 0 {
		return nil, Errors(sorted(c.errors))
	}
	return &a, nil
}
