//go:build lab

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLabFirewall is a fabric whose hosts run firewalld, with nothing open but
// SSH: 0.9 on el8-like, 1.3 on Debian 12.
func TestLabFirewall(t *testing.T) {
	beside(t, 110)
	f := newFabric(t, "--rrs", "1", "--rr-os", "el8-like", "--nodes", "2", "--node-os", "el8-like,debian12")
	f.ssh("node2", "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends firewalld")
	for _, host := range []string{"rr1", "node1", "node2"} {
		f.ssh(host, "systemctl enable --now firewalld && firewall-cmd --state")
	}

	t.Run("sessions and BFD come up", func(t *testing.T) {
		f := f.in(t)
		if out := f.ipfabric(2, "plan"); !strings.Contains(out, "firewalld lets the fabric pass") {
			t.Errorf("the plan does not mention firewalld:\n%s", tail(out))
		}
		f.ipfabric(0, "init", "--yes")
		f.report(0, "--wait", "60s")
		for _, host := range []string{"node1", "node2"} {
			if n := strings.Count(f.ssh(host, "vtysh -c 'show bfd peers brief'"), " up "); n != 2 {
				t.Errorf("%s has %d BFD sessions, want 2", host, n)
			}
		}
		if out := f.ipfabric(0, "init", "--yes"); !strings.Contains(out, "0 changes") {
			t.Errorf("a second init changes something:\n%s", tail(out))
		}
	})

	t.Run("for the fabric's neighbors alone", func(t *testing.T) {
		f := f.in(t)
		for _, host := range []string{"node2", "core1"} { // to its reflector node1 has sessions
			if connects(f, host, address(f, "node1"), 179) {
				t.Errorf("node1's BGP port is open for %s", host)
			}
		}
	})

	var vms []labVM
	served := func(t *testing.T) {
		f := f.in(t)
		for _, v := range vms {
			for _, addr := range v.addrs() {
				wait(t, 10*time.Second, "core1 is served by "+addr, func() bool { return connects(f, "core1", addr, 8000) })
			}
		}
	}
	t.Run("VMs are reached by TCP", func(t *testing.T) {
		f := f.in(t)
		vms = append(vms, f.addVM("a", "node1"), f.addVM("b", "node2"))
		for _, v := range vms {
			f.ssh(v.Node, fmt.Sprintf("systemd-run --quiet --unit=serve-%[1]s ip netns exec %[1]s python3 -m http.server --bind :: 8000", v.Name))
		}
		served(t)
	})

	t.Run("also after firewalld was restarted", func(t *testing.T) {
		f := f.in(t)
		for _, host := range []string{"rr1", "node1", "node2"} {
			f.ssh(host, "systemctl restart firewalld")
		}
		served(t)
		f.report(0, "--wait", "60s")
		f.ipfabric(0, "plan")
	})

	t.Run("rules that are lost are put back", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr1", "firewall-cmd --quiet --ipset=ipfabric4 --remove-entry="+address(f, "node1"))
		f.ssh("node1", "firewall-cmd --quiet --permanent --delete-policy=ipfabric-vms; firewall-cmd --quiet --reload")
		if out := f.ipfabric(2, "plan"); !strings.Contains(out, "firewalld's set ipfabric4") || !strings.Contains(out, "firewalld's rules for the fabric") {
			t.Errorf("the plan does not show what is lost:\n%s", tail(out))
		}
		f.ipfabric(0, "init", "--yes")
		served(t)
		f.ipfabric(0, "plan")
	})
}

// connects says whether a TCP connection from a machine is accepted.
func connects(f *fabric, machine, addr string, port int) bool {
	f.t.Helper()
	out, _ := f.exec("ipfabric-lab", "ssh", machine, fmt.Sprintf("timeout 2 bash -c 'exec 3<>/dev/tcp/%s/%d' 2>/dev/null && echo yes || echo no", addr, port))
	return strings.TrimSpace(out) == "yes"
}
