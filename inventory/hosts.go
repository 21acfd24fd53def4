package inventory

import (
	"net/netip"
	"slices"
)

// What a host is in the fabric, as reports say it.
const (
	RoleRouteReflector = "route-reflector"
	RoleCoreGateway    = "core-gateway"
	RoleNode           = "node"
)

// A HostRole is a host and what it is in the fabric.
type HostRole struct {
	Host
	Role string // RoleRouteReflector, RoleCoreGateway or RoleNode
}

// Hosts returns every host: route reflectors, core gateways, nodes, each in
// the file's order.
func (f *Fabric) Hosts() []HostRole {
	out := make([]HostRole, 0, len(f.RouteReflectors)+len(f.CoreGateways)+len(f.Nodes))
	for _, h := range f.RouteReflectors {
		out = append(out, HostRole{h.Host, RoleRouteReflector})
	}
	for _, h := range f.CoreGateways {
		out = append(out, HostRole{h.Host, RoleCoreGateway})
	}
	for _, h := range f.Nodes {
		out = append(out, HostRole{h.Host, RoleNode})
	}
	return out
}

// Host returns the host of that name.
func (f *Fabric) Host(name string) (HostRole, bool) {
	for _, h := range f.Hosts() {
		if h.Name == name {
			return h, true
		}
	}
	return HostRole{}, false
}

// Addresses returns the host's BGP addresses: IPv4, IPv6 or both.
func (h Host) Addresses() []netip.Addr {
	var out []netip.Addr
	for _, a := range []netip.Addr{h.IPv4, h.IPv6} {
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// Infrastructure returns the sorted addresses of all hosts: those of their BGP
// sessions, and those of ssh.address that other hosts can reach.
func (f *Fabric) Infrastructure() []netip.Addr {
	var out []netip.Addr
	for _, h := range f.Hosts() {
		out = append(out, h.Addresses()...)
		if a, err := netip.ParseAddr(h.SSH.Address); err == nil && a.IsGlobalUnicast() && a.Zone() == "" {
			out = append(out, a.Unmap())
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out)
}
