package main

import (
	"context"
	"strings"
	"testing"

	"ipfabric/remote"
)

const offVMJSON = `[{"name":"box","ip":"203.0.113.2","interface":"box_net0","link":"existing","phase":"off","source":"lxd",
"present":false,"carrier":false,"routes":0,"announced":false,"dropped_packets":0}]`

func TestVMListOfAVMThatIsOff(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = offVMJSON
	ctx := context.Background()
	wantCode(t, vmList(ctx, b.session, "", false), exitOK)
	wantText(t, "stdout", b.out.String(),
		"NAME  NODE   IP           IP6  INTERFACE  STATE  rr1  rr2\n"+
			"box   node1  203.0.113.2  -    box_net0   off    -    -\n")
	b.out.Reset()
	wantCode(t, vmList(ctx, b.session, "", true), exitOK)
	wantText(t, "stdout", b.out.String(), `"phase": "off"`, `"seen": []`, `"problems": []`)
	b.out.Reset()
	wantCode(t, vmShow(ctx, b.session, "box", "", "eth0", false), exitOK)
	wantText(t, "stdout", b.out.String(), "not announced  it is off", "wanted by      lxd", "netplan")
	if strings.Contains(b.out.String(), "is not there yet") {
		t.Errorf("got\n%s", b.out.String())
	}
	b.ask = &asker{} // is not asked
	for _, yes := range []bool{true, false} {
		err := b.vmFailed(ctx, vmRemove(ctx, b.session, "box", yes))
		wantCode(t, err, exitFailed)
		wantText(t, "error", err.Error(), "VM box on node1 is off, and its addresses are in lxd's configuration")
	}
}

func TestVMListOfADeadNode(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].openErr = connectError("node1", remote.Timeout)
	wantCode(t, b.vmFailed(context.Background(), vmList(context.Background(), b.session, "", false)), exitHosts)
	wantText(t, "stderr", b.err.String(), "the VMs of node1 are not listed", "/var/lib/ipfabric/vms.d")
}

// Whose a VM was is not known if its file is damaged.
func TestVMRemoveOfADamagedFile(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = `[{"name":"zed","problem":"its file is empty"}]`
	wantCode(t, b.vmFailed(context.Background(), vmRemove(context.Background(), b.session, "zed", true)), exitOK)
	wantText(t, "stdout", b.out.String(), "zed removed from node1")
	if strings.Contains(b.err.String(), "belonged to") {
		t.Errorf("got %s", b.err.String())
	}
}
