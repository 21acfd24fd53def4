package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

// After a downgrade the VMs stay reachable, and the status says what is ignored.
func TestFilesOfANewerAgent(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	for name, in := range map[string]string{
		"b": `{"version":2,"name":"b","ip":"203.0.113.2","vrf":7}`,
		"c": `{"name":"c","ip":"203.0.113.3","adress":"x"}`,
	} {
		if err := os.WriteFile(filepath.Join(n.dir, "vms.d", name+".json"), []byte(in), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	n.reconcile(t)
	n.wantRoutes(t, "all are served", "203.0.113.1/32 live", "203.0.113.2/32 live", "203.0.113.3/32 live")
	s := n.Status(ctx)
	if got := strings.Join(s.Problems, "\n"); got != "VM b: its file was written by a newer agent, and this one understands it only in part: it ignores vrf"+
		" (`ipfabric init` with the newer ipfabric updates the agent)" {
		t.Errorf("problems: %s", got)
	}
	if got := strings.Join(s.Warnings, "\n"); got != "VM c: its file has keys that this agent does not know and ignores: adress" {
		t.Errorf("warnings: %s", got)
	}
	if _, err := n.SetPhase(ctx, "b", vm.Withdrawn); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(n.dir, "vms.d", "b.json")); err != nil || !strings.Contains(string(data), `"vrf": 7`) {
		t.Errorf("%s, %v", data, err)
	}
}
