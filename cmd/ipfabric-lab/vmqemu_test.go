//go:build lab

package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var kvm = labVM{Name: "kvm", Node: "node2", IP: "203.0.113.60", IP6: "2001:db8:100::60", Interface: "kvm_net0"}

// A virtual machine under libvirt, as on a hypervisor.
func testQEMU(t *testing.T, f *fabric) {
	f.addVM("web", "node1")

	t.Run("libvirt's hook tells the agent of the domain", func(t *testing.T) {
		f := f.in(t)
		f.lab("guest", "add", "node2", "kvm", "--kind", "qemu", "--ip", kvm.IP, "--ip6", kvm.IP6)
		f.served(kvm, "web", "node1")
		if out := f.ipfabric(0, "vm", "show", "kvm"); !strings.Contains(out, "libvirt") {
			t.Errorf("vm show:\n%s", out)
		}
		f.report(0, "--wait", "30s")
	})

	t.Run("a VM that was added gets a virtual machine", func(t *testing.T) {
		f := f.in(t)
		f.ipfabric(0, "vm", "add", "db", "--node", "node2", "--ip", "203.0.113.61", "--ip6", "2001:db8:100::61")
		f.lab("guest", "add", "node2", "db", "--kind", "qemu")
		db := labVM{Name: "db", Node: "node2", IP: "203.0.113.61", IP6: "2001:db8:100::61"}
		f.served(db, "web", "node1")
		// From one virtual machine to another on the same node.
		f.types("node2", "db", "ping -c 3 -W 2 "+kvm.IP+"; ping6 -c 3 -W 2 "+kvm.IP6)
		wait(t, 60*time.Second, "db reaches kvm", func() bool {
			return strings.Count(f.console("node2", "db"), " 3 packets received") == 2
		})
		f.lab("guest", "remove", "node2", "db")
		f.ipfabric(0, "vm", "remove", "db", "--yes")
	})

	t.Run("a domain that ends is withdrawn", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", "virsh dumpxml --inactive --migratable kvm >/root/kvm.xml; virsh define /root/kvm.xml; virsh destroy kvm")
		f.withdrawn(kvm)
	})

	t.Run("the addresses of a domain that is shut down are its own", func(t *testing.T) {
		f := f.in(t)
		if out := f.ssh("node2", "ipfabric-agent vm list | grep kvm"); !strings.Contains(out, "off") {
			t.Errorf("node2 lists it as %s", out)
		}
		out := f.ipfabric(1, "vm", "add", "thief", "--node", "node1", "--ip", kvm.IP, "--ip6", "none")
		if !strings.Contains(out, "off") {
			t.Errorf("vm add:\n%s", out)
		}
	})

	t.Run("a domain starts without the agent, which learns of it", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", "systemctl stop ipfabric-agent; virsh start kvm; systemctl start ipfabric-agent")
		f.announced(kvm, "node2")
		f.reachesSoon("core1", kvm.IP)
	})

	t.Run("a domain that is started anew while the agent hangs", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", "systemctl kill -s STOP ipfabric-agent; virsh destroy kvm; virsh start kvm; systemctl kill -s CONT ipfabric-agent")
		f.reachesSoon("core1", kvm.IP)
		f.announced(kvm, "node2")
	})

	// What libvirt knows beyond a guest's end would keep its addresses.
	f.ssh("node2", "virsh undefine kvm")

	// testMigration wants both nodes to be hypervisors, and not to spend its time on packages.
	f.lab("guest", "add", "node1", "probe", "--kind", "qemu", "--ip", "203.0.113.62")
	f.lab("guest", "remove", "node1", "probe")
}

// A live migration, and what it loses.
func testMigration(t *testing.T, f *fabric) {
	web := f.addVM("web", "node1")
	f.lab("guest", "add", "node2", "kvm", "--kind", "qemu", "--ip", kvm.IP, "--ip6", kvm.IP6)
	f.announced(kvm, "node2")
	f.reaches("core1", "", kvm.IP)

	t.Run("the agents follow a live migration", func(t *testing.T) {
		f := f.in(t)
		f.migrate(kvm, "node2", "node1")
		for _, a := range append(kvm.addrs(), web.addrs()...) {
			f.reaches("core1", "", a)
		}
		f.reaches("node1", "web", kvm.IP)
	})

	t.Run("the domain that has moved is withdrawn when it ends", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", "virsh destroy kvm")
		f.withdrawn(kvm)
	})
}

// reachesSoon waits for a virtual machine that boots.
func (f *fabric) reachesSoon(from, address string) {
	f.t.Helper()
	wait(f.t, 90*time.Second, from+" reaches "+address, func() bool {
		return f.pings(from, "", address)
	})
}

// migrate has libvirt move a guest between two nodes while it is pinged, and
// reports what was lost beyond the guest's own pause.
func (f *fabric) migrate(v labVM, from, to string) {
	f.t.Helper()
	// The other node has the system already or gets it now, and the same files.
	f.lab("guest", "add", to, "probe", "--kind", "qemu", "--ip", "203.0.113.62")
	f.lab("guest", "remove", to, "probe")
	const home = "/var/lib/ipfabric-lab/qemu"
	files := f.ssh(from, "tar -c -C "+home+" "+v.Name+" | base64 -w0")
	untar := f.command("ipfabric-lab", "ssh", to, "base64 -d | tar -x -C "+home)
	untar.Stdin = strings.NewReader(files)
	if out, err := untar.CombinedOutput(); err != nil {
		f.t.Fatalf("%v: %s", err, out)
	}
	// Without TLS: this is a lab.
	f.ssh(to, `set -e; systemctl stop libvirtd libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket
printf 'auth_tcp = "none"\nlisten_addr = "0.0.0.0"\n' >>/etc/libvirt/libvirtd.conf
systemctl start libvirtd-tcp.socket libvirtd`)

	pings := f.startPings(route{"core1", "", v.IP})
	f.ssh(from, "virsh migrate --live "+v.Name+" qemu+tcp://"+to+"/system")
	stopPings(pings)
	lost := time.Duration(pings[0].lost()) * 10 * time.Millisecond
	pause := downtime(f.t, f.ssh(to, "virsh domjobinfo "+v.Name+" --completed"))
	f.t.Logf("live migration: nothing came for %s, of which the guest stood still for %s: lost beyond that %s", lost, pause, max(0, lost-pause))
	if lost-pause > time.Second {
		f.t.Errorf("%s were lost beyond the guest's own pause; 1 s is the most", lost-pause)
	}
	f.announced(v, to)
	if out := f.ssh(from, "ipfabric-agent vm list"); strings.Contains(out, v.Name+" ") {
		f.t.Errorf("%s still has it:\n%s", from, out)
	}
	wait(f.t, 60*time.Second, v.Name+" is live on "+to, func() bool {
		return strings.Contains(f.ssh(to, "ipfabric-agent vm show "+v.Name), "live")
	})
}

var totalDowntime = regexp.MustCompile(`Total downtime:\s+(\d+)\s+ms`)

// downtime is how long libvirt says that a guest stood still.
func downtime(t testing.TB, jobinfo string) time.Duration {
	t.Helper()
	m := totalDowntime.FindStringSubmatch(jobinfo)
	if m == nil {
		t.Fatalf("no downtime in:\n%s", jobinfo)
	}
	ms, _ := strconv.Atoi(m[1])
	return time.Duration(ms) * time.Millisecond
}

// types a line at a virtual machine's console. QEMU looks every second whether
// somebody has the console open.
func (f *fabric) types(node, vm, line string) {
	f.t.Helper()
	f.ssh(node, `exec 3<>"$(virsh ttyconsole `+vm+`)"; sleep 2; printf '%s\n' '`+line+`' >&3; sleep 2`)
}

// console is what a virtual machine has said on its console.
func (f *fabric) console(node, vm string) string {
	f.t.Helper()
	return f.ssh(node, "cat /var/lib/ipfabric-lab/qemu/"+vm+"/console.log")
}
