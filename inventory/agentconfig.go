package inventory

import "net/netip"

// An AgentConfig is what a node's agent must know of the fabric:
// /etc/ipfabric/agent.yaml, written by ipfabric init.
type AgentConfig struct {
	Fabric         string         // the fabric's name
	Node           string         // the node's name
	Gateway        VMGateway      // on every VM interface
	Pools          []netip.Prefix // the agent takes no VM address from outside
	Infrastructure []netip.Addr   // of all hosts of the fabric: VMs do not speak BGP or BFD to them
	Virtualization string         // "kvm" or "lxd"
	MetricsListen  string         // host:port for Prometheus; "" is none
	IsolateVMs     bool           // no VM to VM traffic on this node
}
