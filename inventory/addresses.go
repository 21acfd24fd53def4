package inventory

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// InPools says whether an address is in one of the pools.
func InPools(pools []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(pools, func(p netip.Prefix) bool { return p.Contains(a) })
}

// HolderOf says which part of the fabric, other than a VM, has an address, as
// in "rr1 (route reflector)"; "" if none has.
func (f *Fabric) HolderOf(a netip.Addr) string {
	if a == f.Gateway.IPv4 || a == f.Gateway.IPv6 {
		return "the gateway of all VMs"
	}
	for _, h := range f.Hosts() {
		if a == h.IPv4 || a == h.IPv6 {
			return fmt.Sprintf("%s (%s)", h.Name, strings.ReplaceAll(h.Role, "-", " "))
		}
	}
	return ""
}

// CommunityList gives the fabric's communities, separated by blanks, in the
// order that FRR shows them in: in another order the running configuration
// would always differ from the wanted one.
func (f *Fabric) CommunityList() string {
	sorted := slices.Clone(f.Communities)
	slices.SortFunc(sorted, func(a, b Community) int {
		return cmp.Or(cmp.Compare(a.High, b.High), cmp.Compare(a.Low, b.Low))
	})
	var out []string
	for _, c := range sorted {
		out = append(out, c.String())
	}
	return strings.Join(out, " ")
}
