package ui

import (
	"encoding/xml"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/verify"
	"ipfabric/steps/vms"
)

func vmOn(node, name, state string, status verify.Status, detail string) verify.VMCheck {
	return verify.VMCheck{VM: name, Node: node, State: state, Status: status, Detail: detail, Seen: []vms.Seen{{RR: "rr1", Status: vms.SeenYes}}}
}

func strayOn(node, addr string) verify.VMCheck {
	return verify.VMCheck{Node: node, IPv4: netip.MustParseAddr(addr), State: "stray", Status: verify.Bad, Detail: "rr1 has a route to it", Hint: "delete it"}
}

func TestVMLine(t *testing.T) {
	web, db := vmOn("node1", "web", "announced", verify.OK, ""), vmOn("node1", "db", "announced", verify.OK, "")
	unknown := verify.VMCheck{Node: "node2", State: "unknown", Status: verify.NotChecked}
	for _, tt := range []struct {
		vms  []verify.VMCheck
		want string
	}{
		{nil, ""},
		{[]verify.VMCheck{web}, "1 VM, announced"},
		{[]verify.VMCheck{web, db}, "2 VMs, all announced"},
		{[]verify.VMCheck{web, db, vmOn("node2", "web", "migrating", verify.Warn, "moving")}, "2 VMs: 1 announced, 1 migrating"},
		{[]verify.VMCheck{web, db, vmOn("node2", "web", "withdrawn", verify.OK, "it is withdrawn")}, "2 VMs, all announced"},
		{[]verify.VMCheck{web, vmOn("node1", "off", "no guest", verify.Warn, ""), vmOn("node1", "gone", "no interface", verify.Warn, ""),
			vmOn("node2", "db", "drained", verify.OK, ""), vmOn("node2", "x", "waiting", verify.OK, ""), vmOn("node2", "y", "withdrawn", verify.OK, "")},
			"6 VMs: 1 announced, 1 waiting, 1 withdrawn, 1 drained, 1 without a guest, 1 without an interface"},
		{[]verify.VMCheck{web, vmOn("node2", "web", "off", verify.OK, "it is off"), vmOn("node2", "db", "off", verify.OK, "it is off")}, "2 VMs: 1 announced, 1 off"},
		{[]verify.VMCheck{web, vmOn("node1", "db", "announced", verify.Bad, ""), vmOn("node1", "x", "announced", verify.NotChecked, "")},
			"3 VMs: 1 announced, 1 not checked, 1 failed"},
		{[]verify.VMCheck{web, strayOn("node1", "203.0.113.9"), unknown}, "1 VM, announced; 1 stray route; the VMs of node2 are not known"},
		{[]verify.VMCheck{unknown}, "the VMs of node2 are not known"},
	} {
		if got := vmLine(&verify.Report{VMs: tt.vms}, NoStyle); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// A node of which all is lacking does not fill the screen.
func TestReportListsFewVMs(t *testing.T) {
	r := &verify.Report{Fabric: "lab"}
	for i := range 20 {
		r.VMs = append(r.VMs, vmOn("node1", fmt.Sprintf("vm%02d", i), "announced", verify.Bad, "rr1 has no route to it"))
	}
	r.VMs = append(r.VMs, vmOn("node1", "web", "announced", verify.OK, ""), strayOn("node2", "203.0.113.9"))
	want := `failed  VM vm00 on node1: rr1 has no route to it
failed  VM vm01 on node1: rr1 has no route to it
failed  VM vm02 on node1: rr1 has no route to it
failed  VM vm03 on node1: rr1 has no route to it
failed  VM vm04 on node1: rr1 has no route to it
failed  203.0.113.9: rr1 has a route to it
    delete it
failed  node1: 15 more of its VMs or routes
    ` + "`ipfabric verify --json` has all of them, `ipfabric vm list` an overview" + `

21 VMs: 1 announced, 20 failed; 1 stray route
not healthy: no host, no session
`
	if d := cmp.Diff(want, Report(r, false, NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestJUnitOfVMs(t *testing.T) {
	r := &verify.Report{Fabric: "lab", Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), VMs: []verify.VMCheck{
		vmOn("node1", "web", "announced", verify.OK, ""), vmOn("node1", "off", "no guest", verify.Warn, "no guest"),
		strayOn("node1", "203.0.113.9"), {Node: "node2", State: "unknown", Status: verify.NotChecked, Detail: "no answer"},
	}}
	file := filepath.Join(t.TempDir(), "verify.xml")
	if err := WriteJUnit(file, r, &Masker{}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, "JUnit", string(data),
		`<testsuites name="ipfabric verify lab" tests="4" failures="1" skipped="1">`,
		`<testsuite name="VMs of node1" timestamp="2026-03-01T12:00:00" tests="3" failures="1" skipped="0">`,
		`<testcase classname="node1" name="VM web on node1"></testcase>`,
		`<system-out>warning: no guest</system-out>`,
		`<failure message="rr1 has a route to it">`,
		`<testsuite name="VMs of node2"`)
	var back junitSuites
	if err := xml.Unmarshal(data, &back); err != nil || len(back.Suites) != 2 {
		t.Errorf("%v: %+v", err, back)
	}
}
