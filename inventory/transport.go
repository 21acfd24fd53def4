package inventory

import "net/netip"

// A Transport is one IP version of a fabric. Sessions over it carry the VMs'
// addresses of the same version, and no others.
type Transport struct {
	Version string // "4" or "6"
	Pools   []netip.Prefix
	Addr    func(Host) netip.Addr // a host's address in it; the zero Addr is none
}

// Transports returns the IP versions that the fabric's VMs use, IPv4 first.
func (f *Fabric) Transports() []Transport {
	var out []Transport
	if p := f.Pools4(); len(p) > 0 {
		out = append(out, Transport{"4", p, func(h Host) netip.Addr { return h.IPv4 }})
	}
	if p := f.Pools6(); len(p) > 0 {
		out = append(out, Transport{"6", p, func(h Host) netip.Addr { return h.IPv6 }})
	}
	return out
}
