package conf

import (
	"net/netip"

	"ipfabric/inventory"
)

// ReflectorNeighbors is everybody that a reflector has a session with.
func ReflectorNeighbors(f *inventory.Fabric, rr inventory.RouteReflector) []netip.Addr {
	var out []netip.Addr
	for _, n := range f.Nodes {
		out = append(out, n.IPv4, n.IPv6)
	}
	for _, c := range f.CoreGateways {
		out = append(out, c.IPv4, c.IPv6)
	}
	for _, r := range f.RouteReflectors {
		if r.Name != rr.Name {
			out = append(out, r.IPv4, r.IPv6)
		}
	}
	return out
}

// NodeNeighbors is everybody that a node has a session with.
func NodeNeighbors(f *inventory.Fabric) []netip.Addr {
	var out []netip.Addr
	for _, r := range f.RouteReflectors {
		out = append(out, r.IPv4, r.IPv6)
	}
	return out
}

// VTEPs are the other nodes, if VMs have VXLAN between nodes.
func VTEPs(f *inventory.Fabric, n inventory.Node) []netip.Addr {
	var out []netip.Addr
	for _, other := range f.Nodes {
		if f.VXLAN && other.Name != n.Name {
			out = append(out, other.IPv4, other.IPv6)
		}
	}
	return out
}
