package session

import (
	"context"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
)

const offVMJSON = `[{"name":"box","ip":"203.0.113.2","interface":"box_net0","link":"existing","phase":"off","source":"lxd",
"present":false,"carrier":false,"routes":0,"announced":false,"dropped_packets":0}]`

func TestVMListOfAVMThatIsOff(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = offVMJSON
	ctx := context.Background()
	wantCode(t, b.ListVMs(ctx, "", false), ui.ExitOK)
	wantText(t, "stdout", b.out.String(),
		"NAME  NODE   IP           IP6  INTERFACE  STATE  rr1  rr2\n"+
			"box   node1  203.0.113.2  -    box_net0   off    -    -\n")
	b.out.Reset()
	wantCode(t, b.ListVMs(ctx, "", true), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), `"phase": "off"`, `"seen": []`, `"problems": []`)
	b.out.Reset()
	wantCode(t, b.ShowVM(ctx, "box", "", "eth0", false), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "box on node1: off", "wanted by  lxd", "netplan")
	if strings.Contains(b.out.String(), "is not there yet") {
		t.Errorf("got\n%s", b.out.String())
	}
	b.Ask = &ui.Asker{} // is not asked
	for _, yes := range []bool{true, false} {
		err := b.VMError(ctx, b.RemoveVM(ctx, "box", yes))
		wantCode(t, err, ui.ExitFailed)
		wantText(t, "error", err.Error(), "VM box on node1 is off, and its addresses are in lxd's configuration")
	}
}

func TestVMListOfADeadNode(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].openErr = connectError("node1", remote.Timeout)
	wantCode(t, b.VMError(context.Background(), b.ListVMs(context.Background(), "", false)), ui.ExitHosts)
	wantText(t, "stderr", b.err.String(), "the VMs of node1 are not listed", "/var/lib/ipfabric/vms.d")
}

// Whose a VM was is not known if its file is damaged.
func TestVMRemoveOfADamagedFile(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = `[{"name":"zed","problem":"its file is empty"}]`
	wantCode(t, b.VMError(context.Background(), b.RemoveVM(context.Background(), "zed", true)), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "zed removed from node1")
	if strings.Contains(b.err.String(), "belonged to") {
		t.Errorf("got %s", b.err.String())
	}
}
