package host

import (
	"net/netip"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

func TestHasAddresses(t *testing.T) {
	const out = "1: lo    inet 127.0.0.1/8 scope host lo\n2: host0    inet 10.0.0.21/24 brd 10.0.0.255 scope global host0\n2: host0    inet6 fd00::21/64 scope global \n"
	h := &steptest.Host{Answers: map[string]string{"ip -o address show": out}}
	ours := inventory.Host{Name: "n1", IPv4: netip.MustParseAddr("10.0.0.21"), IPv6: netip.MustParseAddr("fd00::21")}
	if _, err := (Addresses{ours}).Check(t.Context(), h); err != nil {
		t.Errorf("got %v", err)
	}
	ours.IPv4 = netip.MustParseAddr("10.0.0.2")
	if _, err := (Addresses{ours}).Check(t.Context(), h); err == nil {
		t.Error("another machine counts as the host")
	}
}
