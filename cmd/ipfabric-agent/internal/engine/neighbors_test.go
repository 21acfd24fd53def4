package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
)

func TestAFullNeighborTable(t *testing.T) {
	n := newNode(t)
	table := kernel.NeighborTable{Name: "ndisc_cache", Sysctl: "net.ipv6.neigh.default.gc_thresh3", Entries: 1000, Limit: 40000, Full: 7}
	var failed error
	n.Neighbors = func() ([]kernel.NeighborTable, error) { return []kernel.NeighborTable{table}, failed }
	about := func(list []string) string {
		for _, text := range list {
			if strings.Contains(text, "neighbor") {
				return text
			}
		}
		return ""
	}
	check := func(when, problem, warning string) {
		t.Helper()
		s := n.Status(context.Background())
		if got := about(s.Problems); !strings.HasPrefix(got, problem) || problem == "" && got != "" {
			t.Errorf("%s: problem %q", when, got)
		}
		if got := about(s.Warnings); !strings.HasPrefix(got, warning) || warning == "" && got != "" {
			t.Errorf("%s: warning %q", when, got)
		}
	}
	check("what was full before the agent started", "", "")
	table.Entries = 36000
	check("nearly full", "", "the neighbor table ndisc_cache is nearly full: 36000 of 40000 entries (net.ipv6.neigh.default.gc_thresh3)")
	table.Entries, table.Full = 40000, 8
	const full = "the neighbor table ndisc_cache is full, or was in the last minutes, and new neighbors are not found: 40000 of 40000 entries"
	check("full", full, "")
	table.Entries = 100
	n.now = n.now.Add(4 * time.Minute)
	check("full a short time ago", "the neighbor table ndisc_cache is full", "")
	n.now = n.now.Add(2 * time.Minute)
	check("full a long time ago", "", "")
	// It is found between two questions for the status too.
	table.Full = 9
	if err := n.Reconcile(context.Background()); err != nil {
		t.Fatal(err)
	}
	check("full since the last status", "the neighbor table ndisc_cache is full", "")
	failed = errors.New("netlink: no")
	check("not known", "", "it is not known whether there is room for more neighbors: netlink: no")
}
