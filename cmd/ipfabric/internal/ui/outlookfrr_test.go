package ui

import (
	"testing"

	"ipfabric/steps/frr"
)

func TestPlanSaysWhichFRR(t *testing.T) {
	o := &Outlook{Hosts: []HostOutlook{{Host: "rr1"}, {Host: "rr2"}, {Host: "node1"}, {Host: "node2"}, {Host: "node3"}, {Host: "node4"}}}
	o.AddFRR(map[string]frr.Versions{
		"rr1": {Installed: "8.4.4-1", Offered: "8.4.4-1"}, "rr2": {Installed: "8.4.4-1"},
		"node1": {Offered: "10.3-1"}, "node2": {Installed: "8.4.4-1", Offered: "8.4.4-2"}, "node3": {},
	})
	const want = "FRR: rr1, rr2 8.4.4-1; node1 none, gets 10.3-1; node2 8.4.4-1 (its source has 8.4.4-2); node3 none yet\n"
	if got := o.frrLine(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
	if got := (&Outlook{}).frrLine(); got != "" {
		t.Errorf("without an answer: %q", got)
	}
}
