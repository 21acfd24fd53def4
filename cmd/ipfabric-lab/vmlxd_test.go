//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A container under LXD, as on a hypervisor for containers.
func testLXD(t *testing.T, f *fabric) {
	entry := f.inventory()[strings.Index(f.inventory(), "  - name: node3"):] // it is the last
	f.edit("node3 is for containers", entry, strings.Replace(entry, "kvm", "lxd", 1))
	f.lab("up") // the core gateway's configuration is made of the inventory
	f.ipfabric(0, "init", "--yes")
	web := f.addVM("web", "node1")
	box := labVM{Name: "box", Node: "node3", IP: "203.0.113.70", IP6: "2001:db8:100::70"}
	can := labVM{Name: "can", Node: "node3", IP: "203.0.113.71", IP6: "2001:db8:100::71"}

	t.Run("the agent takes the VM out of the instance's keys", func(t *testing.T) {
		f := f.in(t)
		f.lab("guest", "add", "node3", "box", "--kind", "lxd", "--ip", box.IP, "--ip6", box.IP6)
		f.served(box, "web", "node1")
		if out := f.ipfabric(0, "vm", "show", "box"); !strings.Contains(out, "lxd") {
			t.Errorf("vm show:\n%s", out)
		}
		f.report(0, "--wait", "30s")
	})

	t.Run("a VM that was added gets a container", func(t *testing.T) {
		f := f.in(t)
		f.ipfabric(0, "vm", "add", "can", "--node", "node3", "--ip", can.IP, "--ip6", can.IP6)
		f.lab("guest", "add", "node3", "can", "--kind", "lxd")
		f.announced(can, "node3")
		for _, a := range append(append(web.addrs(), box.addrs()...), "10.0.0.1") {
			wait(t, 10*time.Second, "can reaches "+a, func() bool {
				out, _ := f.exec("ipfabric-lab", "ssh", "node3", "lxc exec can -- ping -c 3 -W 2 "+a+" </dev/null")
				return strings.Contains(out, " 3 packets received")
			})
		}
		f.reaches("core1", "", can.IP6)
	})

	t.Run("an instance that stops and starts", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node3", "lxc stop --force box")
		f.withdrawn(box)
		f.ssh("node3", "lxc start box")
		f.announced(box, "node3")
		f.reaches("core1", "", box.IP)
	})

	t.Run("what the guest sends is filtered", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node3", "lxc exec box -- ip addr add "+can.IP+"/32 dev lo </dev/null; lxc exec box -- ping -c 2 -W 1 -I "+can.IP+" "+web.IP+" </dev/null || true")
		if got := f.agentStatus("node3").Dropped; got.VMs["box"] == 0 || got.Reasons["spoofed"] == 0 {
			t.Errorf("dropped: %+v", got)
		}
	})

	t.Run("an instance that is deleted is withdrawn", func(t *testing.T) {
		f := f.in(t)
		f.lab("guest", "remove", "node3", "box")
		f.withdrawn(box)
		if out := f.lab("guest", "list"); strings.Contains(out, "box ") || !strings.Contains(out, "can ") {
			t.Errorf("guest list:\n%s", out)
		}
	})
}

// inventory is the lab's fabric.yaml.
func (f *fabric) inventory() string {
	f.t.Helper()
	data, err := os.ReadFile(filepath.Join(f.dir, ".lab", "fabric.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(data)
}
