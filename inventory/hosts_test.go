package inventory

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestInfrastructure(t *testing.T) {
	yaml := strings.Replace(minimal, "name: node1", "name: node1, ssh: {address: 192.0.2.21}", 1)
	if yaml == minimal {
		t.Fatal("the inventory has another form by now")
	}
	got := mustParse(t, yaml).Infrastructure()
	for _, want := range []string{"10.10.0.11", "10.10.0.21", "192.0.2.21"} {
		if !slices.Contains(got, netip.MustParseAddr(want)) {
			t.Errorf("%s is not in %v", want, got)
		}
	}
	for _, address := range []string{"node1.example.net", "127.0.0.1"} {
		other := mustParse(t, strings.Replace(yaml, "192.0.2.21", address, 1)).Infrastructure()
		if len(other) != len(got)-1 {
			t.Errorf("with SSH to %s: %v", address, other)
		}
	}
}
