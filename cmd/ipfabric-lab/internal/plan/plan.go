package plan

import (
	"fmt"
	"net/netip"
)

// A Role is what a machine is in the fabric, in the inventory's words.
type Role string

const (
	Core      Role = "core-gateway"
	Reflector Role = "route-reflector"
	Node      Role = "node"
)

// Networks is how many labs a host can have at the same time.
const Networks = 250

// A Network is the private network of one lab: 10.213.N.0/24 and
// fd00:10:213:N::/64 with N from 1 to Networks. The host has .254 in it.
type Network int

// Bridge is the name of the network's bridge.
func (n Network) Bridge() string { return fmt.Sprintf("ipfl%d", int(n)) }

// Prefix4 is the IPv4 network.
func (n Network) Prefix4() netip.Prefix { return netip.PrefixFrom(n.addr4(0), 24) }

// Prefix6 is the IPv6 network.
func (n Network) Prefix6() netip.Prefix {
	return netip.PrefixFrom(netip.MustParseAddr(fmt.Sprintf("fd00:10:213:%d::", int(n))), 64)
}

// Host4 is the host's address, the machines' default gateway.
func (n Network) Host4() netip.Addr { return n.addr4(254) }

// Host6 is the host's address in the IPv6 network.
func (n Network) Host6() netip.Addr { return n.addr6(254) }

// Core4 is the address of the first core gateway.
func (n Network) Core4() netip.Addr { return n.addr4(1) }

func (n Network) addr4(last int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 213, byte(n), byte(last)})
}

// addr6 writes the last number in decimal, so that 10.213.1.21 and
// fd00:10:213:1::21 are seen to be the same machine.
func (n Network) addr6(last int) netip.Addr {
	return netip.MustParseAddr(fmt.Sprintf("fd00:10:213:%d::%d", int(n), last))
}

// A Machine is one machine of a lab.
type Machine struct {
	Name string     `json:"name"`
	Role Role       `json:"role"`
	IPv4 netip.Addr `json:"ipv4"`
	IPv6 netip.Addr `json:"ipv6"`
}

// A Size is how many machines of each role there are.
type Size struct {
	Cores      int `json:"cores"`
	Reflectors int `json:"rrs"`
	Nodes      int `json:"nodes"`
}

var roles = []struct {
	role       Role
	prefix     string
	first, max int
}{
	{Core, "core", 1, 10},
	{Reflector, "rr", 11, 10},
	{Node, "node", 21, 100},
}

// Check says whether a lab can have that size.
func (s Size) Check() error {
	for i, n := range []int{s.Cores, s.Reflectors, s.Nodes} {
		flag := []string{"--cores", "--rrs", "--nodes"}[i]
		least := []int{0, 1, 0}[i]
		if n < least || n > roles[i].max {
			return fmt.Errorf("%s %d is out of range: %d to %d", flag, n, least, roles[i].max)
		}
	}
	return nil
}

// Machines lists the machines of a lab of that size: core gateways first.
func (n Network) Machines(s Size) []Machine {
	var out []Machine
	for i, count := range []int{s.Cores, s.Reflectors, s.Nodes} {
		r := roles[i]
		for k := range count {
			out = append(out, Machine{
				Name: fmt.Sprintf("%s%d", r.prefix, k+1),
				Role: r.role,
				IPv4: n.addr4(r.first + k),
				IPv6: n.addr6(r.first + k),
			})
		}
	}
	return out
}
