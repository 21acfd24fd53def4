package ui

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
	"ipfabric/steps/vms"
)

// What the table's columns do not show stands below it: of VMs, of nodes, of
// routes, each with what to do.
func TestVMProblems(t *testing.T) {
	finding := func(code vms.Code, status vms.Status, text, hint string) vms.Finding {
		return vms.Finding{VM: "web", Node: "node1", Code: code, Status: status, Text: text, Hint: hint}
	}
	web := vms.Listed{VM: vms.VM{Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "web", IPv4: netip.MustParseAddr("203.0.113.1")}}}, Findings: []vms.Finding{
		finding(vms.NoGuest, vms.Warn, "no guest is attached", "start it"), // the STATE says it
		finding(vms.NoInterface, vms.Warn, "is the guest off?", ""),        // the STATE says it
		finding(vms.NoInterface, vms.Bad, "its interface is missing", "look there"),
		finding(vms.RouteUnknown, vms.NotChecked, "whether rr1 has it is not known", ""), // the column says it
		finding(vms.Resting, vms.OK, "it is off", ""),
		finding(vms.Moving, vms.Warn, "it is moving", ""),
		finding(vms.Hijacked, vms.Bad, "rr1 has another route to it", ""),
	}}
	l := vms.List{VMs: []vms.Listed{web}, Findings: []vms.Finding{
		{Node: "node1", Code: vms.AgentUnhealthy, Status: vms.Bad, Text: "the agent is not healthy"},
		{Node: "node2", Addr: netip.MustParseAddr("203.0.113.1"), Code: vms.Stray, Status: vms.Bad, Text: "said of web"},
		{Node: "node2", Addr: netip.MustParseAddr("203.0.113.2"), Code: vms.Stray, Status: vms.Bad, Text: "rr1 has a route to it"},
	}}
	want := `
problem  web on node1: its interface is missing
    look there
warning  web on node1: it is moving
problem  web on node1: rr1 has another route to it
problem  node1: the agent is not healthy
problem  203.0.113.2: rr1 has a route to it
`
	if diff := cmp.Diff(want, VMProblems(l, NoStyle)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := VMProblems(vms.List{}, NoStyle); got != "" {
		t.Errorf("got %q", got)
	}
}
