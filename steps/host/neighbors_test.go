package host

import (
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

const askNeighbors = "sysctl -e net.ipv4.neigh.default.gc_thresh1 net.ipv4.neigh.default.gc_thresh2 net.ipv4.neigh.default.gc_thresh3" +
	" net.ipv6.neigh.default.gc_thresh1 net.ipv6.neigh.default.gc_thresh2 net.ipv6.neigh.default.gc_thresh3"

// limits is what sysctl prints of a kernel with the same limits for both tables.
func limits(one, two, three string) string {
	var out strings.Builder
	for _, version := range []string{"ipv4", "ipv6"} {
		for i, value := range []string{one, two, three} {
			out.WriteString("net." + version + ".neigh.default.gc_thresh" + string(rune('1'+i)) + " = " + value + "\n")
		}
	}
	return out.String()
}

func neighborHost() *steptest.Host {
	return &steptest.Host{
		Files: map[string]string{},
		Answers: map[string]string{
			askNeighbors: limits("128", "512", "1024"),
			"stat-files.sh /etc/sysctl.d/60-ipfabric-neighbors.conf":            "absent\n",
			"settle-file.sh root:root /etc/sysctl.d/60-ipfabric-neighbors.conf": "",
			"sysctl -q -p /etc/sysctl.d/60-ipfabric-neighbors.conf":             "",
		},
	}
}

func TestRoomForTheNeighborsOfAllVMs(t *testing.T) {
	for vms, want := range map[int]string{
		100:  limits("4096", "8192", "16384"), // never less than this
		5000: limits("10000", "20000", "40000"),
		1e9:  limits("262144", "524288", "1048576"), // never more
	} {
		h := neighborHost()
		s := NeighborTables{VMs: vms}
		if diff, err := s.Check(t.Context(), h); err != nil || !strings.Contains(diff.String(), "kernel setting net.ipv6.neigh.default.gc_thresh3 is 1024, want ") {
			t.Errorf("%d VMs: got %v, %v", vms, diff, err)
		}
		if err := s.Apply(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		text := "# Written by ipfabric: room for the neighbors of this node's VMs.\n" + want
		if got := h.Files[neighborFile]; got != text {
			t.Errorf("%d VMs: got\n%s", vms, got)
		}
		if steptest.Position(t, h, "sysctl -q -p") < steptest.Position(t, h, "write "+neighborFile+" 644") {
			t.Error("loaded before it was written")
		}
		h.Answers[askNeighbors] = want
		h.Answers["stat-files.sh "+neighborFile] = "644 root:root " + Hash([]byte(text)) + "\n"
		if diff, err := s.Check(t.Context(), h); err != nil || len(diff) > 0 {
			t.Errorf("%d VMs, afterwards: got %v, %v", vms, diff, err)
		}
	}
}

// An administrator may have set more.
func TestHigherLimitsStay(t *testing.T) {
	h := neighborHost()
	h.Answers[askNeighbors] = limits("128", "512", "100000")
	if err := (NeighborTables{VMs: 1}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if got := h.Files[neighborFile]; !strings.HasSuffix(got, limits("4096", "8192", "100000")) {
		t.Errorf("got\n%s", got)
	}
}

// In a container there are no such settings.
func TestAMachineWithoutLimitsOfItsOwn(t *testing.T) {
	h := neighborHost()
	h.Answers[askNeighbors] = ""
	if diff, err := (NeighborTables{}).Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := (NeighborTables{}).Apply(t.Context(), h); err != nil || len(h.Files) > 0 {
		t.Errorf("got %v, %v", h.Files, err)
	}
	h.Answers[askNeighbors] = "sysctl: permission denied on key\n"
	if _, err := (NeighborTables{}).Check(t.Context(), h); err == nil {
		t.Error("an answer that cannot be read is taken for none")
	}
}
