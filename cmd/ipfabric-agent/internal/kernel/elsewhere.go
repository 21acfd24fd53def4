package kernel

import (
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Elsewhere returns the router by which BGP leads to that very address, as
// another node announces it; "" if it does not.
func (k *Kernel) Elsewhere(a netip.Addr) string {
	routes, err := k.handle.RouteGetWithOptions(a.AsSlice(), &netlink.RouteGetOptions{FIBMatch: true})
	if err != nil {
		return "" // there is no route
	}
	for _, r := range routes {
		if r.Protocol != unix.RTPROT_BGP || r.Dst == nil {
			continue
		}
		if ones, bits := r.Dst.Mask.Size(); ones != bits || !r.Dst.IP.Equal(a.AsSlice()) {
			continue
		}
		switch {
		case r.Gw != nil:
			return r.Gw.String()
		case len(r.MultiPath) > 0 && r.MultiPath[0].Gw != nil:
			return r.MultiPath[0].Gw.String()
		}
		return "another link"
	}
	return ""
}
