package vms

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/step/steptest"
)

func TestLowestFree(t *testing.T) {
	prefixes := func(s string) (out []netip.Prefix) {
		for _, p := range strings.Fields(s) {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	tests := []struct{ pools, used, want string }{
		{"203.0.113.0/24", "", "203.0.113.1"}, // not the network's address
		{"203.0.113.0/24", "203.0.113.1 203.0.113.3", "203.0.113.2"},
		{"203.0.113.0/30", "203.0.113.1 203.0.113.2", "invalid IP"}, // nor its broadcast address
		{"203.0.113.0/31", "203.0.113.0", "203.0.113.1"},
		{"203.0.113.7/32", "", "203.0.113.7"},
		{"203.0.113.7/32", "203.0.113.7", "invalid IP"},
		{"203.0.113.4/30 198.51.100.0/24", "203.0.113.5 203.0.113.6", "198.51.100.1"}, // in the file's order
		{"2001:db8:100::/48", "", "2001:db8:100::1"},
		{"2001:db8:100::/126", "2001:db8:100::1 2001:db8:100::2", "2001:db8:100::3"},
		{"2001:db8:100::8/127", "", "2001:db8:100::8"},
		{"255.255.255.252/30", "255.255.255.253 255.255.255.254", "invalid IP"},
		{"", "", "invalid IP"},
	}
	for _, tt := range tests {
		a, ok := lowestFree(prefixes(tt.pools), func(a netip.Addr) bool { return slices.Contains(strings.Fields(tt.used), a.String()) })
		if a.String() != tt.want || ok != a.IsValid() {
			t.Errorf("pools %s, used %s: %s, want %s", tt.pools, tt.used, a, tt.want)
		}
	}
}

// What is chosen is in a pool, free, nobody else's, and the lowest.
func FuzzChoose(f *testing.F) {
	f.Add("203.0.113.0/24", uint8(3), uint8(1))
	f.Add("10.0.0.0/8", uint8(200), uint8(0))
	f.Add("2001:db8:100::/120", uint8(255), uint8(255))
	f.Add("203.0.113.6/31", uint8(1), uint8(7))
	base := steptest.ParseFabric(f, FabricText)
	f.Fuzz(func(t *testing.T, pool string, n, skip uint8) {
		p, err := netip.ParsePrefix(pool)
		if err != nil || p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			return
		}
		fabric := *base
		fabric.Pools = []netip.Prefix{p}
		owners := map[netip.Addr]string{}
		a := p.Addr()
		for i := range int(n) + 1 {
			if i%(int(skip)+2) != 1 {
				owners[a] = "somebody"
			}
			a = a.Next()
		}
		c := &Control{Fabric: &fabric}
		got, err := c.choose(Request{VM: VM{Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "web"}}}, pick4: p.Addr().Is4(), pick6: p.Addr().Is6()}, owners)
		if err != nil {
			for a := p.Addr().Next(); p.Contains(a) && p.Contains(a.Next()); a = a.Next() {
				if owners[a] == "" && fabric.HolderOf(a) == "" {
					t.Fatalf("%s is free in %s, but: %v", a, p, err)
				}
			}
			return
		}
		addrs := got.Addrs()
		if len(addrs) != 1 || !p.Contains(addrs[0]) || owners[addrs[0]] != "" || fabric.HolderOf(addrs[0]) != "" {
			t.Fatalf("pool %s: got %s", p, addrList(addrs))
		}
		for a := p.Addr().Next(); a.Less(addrs[0]); a = a.Next() {
			if owners[a] == "" && fabric.HolderOf(a) == "" {
				t.Fatalf("pool %s: got %s, though %s is free", p, addrs[0], a)
			}
		}
	})
}

// Nothing that gets through can be more than one argument, an option, a path,
// or an address outside the pools.
func FuzzVMRequest(f *testing.F) {
	f.Add("web", "203.0.113.5", "2001:db8:100::5", "52:54:00:12:34:56", "vnet0", "libvirt-qemu")
	f.Add("-x", "none", "none", "", "..", "-o")
	fabric := steptest.ParseFabric(f, FabricText)
	f.Fuzz(func(t *testing.T, name, ip, ip6, mac, device, owner string) {
		r, err := NewRequest(fabric, Wish{Name: name, Node: "node1", IP: ip, IP6: ip6, MAC: mac, Interface: device, Owner: owner})
		if err != nil {
			return
		}
		for _, s := range []string{r.Name, r.MAC.String(), r.Interface, r.Owner} {
			if strings.ContainsAny(s, "/\x00 '\"\\$`;&|<>*?\n\t()") || strings.HasPrefix(s, "-") || s == "." || s == ".." {
				t.Errorf("%q got through", s)
			}
		}
		for _, a := range r.Addrs() {
			if !inventory.InPools(fabric.Pools, a) || fabric.HolderOf(a) != "" {
				t.Errorf("%s got through", a)
			}
		}
	})
}

func BenchmarkChooseWithTenThousandUsed(b *testing.B) {
	fabric := *steptest.ParseFabric(b, FabricText)
	fabric.Pools = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:100::/48")}
	owners := map[netip.Addr]string{}
	a4, a6 := netip.MustParseAddr("10.0.0.0"), netip.MustParseAddr("2001:db8:100::")
	for range 10_000 {
		owners[a4], owners[a6] = "VM x on node1", "VM x on node1"
		a4, a6 = a4.Next(), a6.Next()
	}
	c := &Control{Fabric: &fabric}
	for b.Loop() {
		if _, err := c.choose(Request{pick4: true, pick6: true}, owners); err != nil {
			b.Fatal(err)
		}
	}
}
