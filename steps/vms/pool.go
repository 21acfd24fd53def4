package vms

import "net/netip"

// lowestFree returns the lowest address of the first pool that has a free one,
// and false if none has. It takes time in proportion to the addresses in use,
// not to the size of the pools.
//
// The first address of a pool is left out, and of an IPv4 pool the last too,
// unless the pool has two addresses or one: a guest may have notions about a
// network's and its broadcast address, or about the subnet-router anycast
// address (RFC 4291, 2.6.1), that it would be long to look for.
func lowestFree(pools []netip.Prefix, used func(netip.Addr) bool) (netip.Addr, bool) {
	for _, p := range pools {
		whole := p.Bits() >= p.Addr().BitLen()-1
		a := p.Addr()
		if !whole {
			a = a.Next()
		}
		for ; p.Contains(a); a = a.Next() {
			if !whole && a.Is4() && !p.Contains(a.Next()) {
				break
			}
			if !used(a) {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}
