package plan_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

func TestMachines(t *testing.T) {
	var got []string
	n := plan.Network(7)
	for _, m := range n.Machines(plan.Size{Cores: 1, Reflectors: 2, Nodes: 3}) {
		got = append(got, fmt.Sprintf("%s %s %s %s", m.Name, m.Role, m.IPv4, m.IPv6))
	}
	want := []string{
		"core1 core-gateway 10.213.7.1 fd00:10:213:7::1",
		"rr1 route-reflector 10.213.7.11 fd00:10:213:7::11",
		"rr2 route-reflector 10.213.7.12 fd00:10:213:7::12",
		"node1 node 10.213.7.21 fd00:10:213:7::21",
		"node2 node 10.213.7.22 fd00:10:213:7::22",
		"node3 node 10.213.7.23 fd00:10:213:7::23",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every address of the largest lab is its own, in the network, and not the
// host's.
func TestAddressesDoNotCollide(t *testing.T) {
	for _, n := range []plan.Network{1, plan.Networks} {
		seen := map[string]string{n.Host4().String(): "the host", n.Host6().String(): "the host"}
		for _, m := range n.Machines(plan.Size{Cores: 10, Reflectors: 10, Nodes: 100}) {
			if !n.Prefix4().Contains(m.IPv4) || !n.Prefix6().Contains(m.IPv6) {
				t.Errorf("%s is outside of its network: %s %s", m.Name, m.IPv4, m.IPv6)
			}
			for _, a := range []string{m.IPv4.String(), m.IPv6.String()} {
				if other, ok := seen[a]; ok {
					t.Errorf("%s and %s both have %s", m.Name, other, a)
				}
				seen[a] = m.Name
			}
		}
	}
}

func TestSizeCheck(t *testing.T) {
	for _, tt := range []struct {
		size plan.Size
		want string
	}{
		{plan.Size{Cores: 1, Reflectors: 2, Nodes: 3}, "<nil>"},
		{plan.Size{Reflectors: 1}, "<nil>"},
		{plan.Size{Reflectors: 0, Nodes: 3}, "--rrs 0 is out of range: 1 to 10"},
		{plan.Size{Reflectors: 11}, "--rrs 11 is out of range: 1 to 10"},
		{plan.Size{Reflectors: 1, Nodes: -2}, "--nodes -2 is out of range: 0 to 100"},
		{plan.Size{Reflectors: 1, Cores: 11}, "--cores 11 is out of range: 0 to 10"},
	} {
		if got := fmt.Sprint(tt.size.Check()); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.size, got, tt.want)
		}
	}
}
