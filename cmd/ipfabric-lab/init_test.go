//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// everyFile prints what ipfabric could have changed on a machine, with its
// content and time.
const everyFile = `find /etc /usr/local $(ls -d /var/lib/ipfabric 2>/dev/null) -xdev -type f -newer /etc/machine-id -printf '%p %T@ %s %m %u\n' | grep -v -e '^/etc/resolv' -e '^/etc/mtab' | sort`

// noRemains prints what a run that was cut off must not leave behind for good.
const noRemains = `find /etc /usr/local $(ls -d /var/lib/ipfabric 2>/dev/null) -name '*ipfabric-*tmp*' -o -name '*.ipfabric-staged' -o -path '*rollback/armed'; systemctl list-timers --all | grep ipfabric-rollback || true`

func testInit(t *testing.T, f *fabric) {
	hosts := []string{"rr1", "rr2", "node1", "node2", "node3"}

	t.Run("plan shows everything and touches nothing", func(t *testing.T) {
		f := f.in(t)
		before := f.ssh("node1", everyFile)
		out := f.ipfabric(2, "plan")
		for _, want := range append(hosts, "package frr", "/etc/frr/frr.conf", "/usr/local/bin/ipfabric-agent") {
			if !strings.Contains(out, want) {
				t.Errorf("the plan does not mention %s:\n%s", want, tail(out))
			}
		}
		if after := f.ssh("node1", everyFile); after != before {
			t.Errorf("plan changed files of node1:\n%s\n%s", before, after)
		}
	})

	t.Run("init brings every session up at both ends", func(t *testing.T) {
		f := f.in(t)
		out := f.ipfabric(0, "init", "--yes")
		if !strings.Contains(out, "protocol bgp ipfabric_rr1_v4 from ipfabric_rr {") {
			t.Error("init does not print the core gateway's configuration")
		}
		secret, err := os.ReadFile(filepath.Join(f.dir, ".lab", "bgp.password"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out, strings.TrimSpace(string(secret))) {
			t.Error("init prints the BGP password")
		}
		f.checkHealthy()
	})

	t.Run("the core gateway runs what gateway prints", func(t *testing.T) {
		f := f.in(t)
		want := f.ipfabric(0, "gateway", "core1", "--vendor", "bird")
		if diff := cmp.Diff(want, f.ssh("core1", "cat /etc/bird/ipfabric.conf")); diff != "" {
			t.Errorf("core1 (-printed +has):\n%s", diff)
		}
	})

	t.Run("a second init changes nothing", func(t *testing.T) {
		f := f.in(t)
		before := map[string]string{}
		for _, h := range hosts {
			before[h] = f.ssh(h, everyFile+`; systemctl show -p ExecMainStartTimestamp frr ipfabric-agent`)
		}
		if out := f.ipfabric(0, "init", "--yes"); !strings.Contains(out, "0 changes") {
			t.Errorf("init does not say 0 changes:\n%s", tail(out))
		}
		f.ipfabric(0, "plan")
		for _, h := range hosts {
			if after := f.ssh(h, everyFile+`; systemctl show -p ExecMainStartTimestamp frr ipfabric-agent`); after != before[h] {
				t.Errorf("%s changed:\n%s\n%s", h, before[h], after)
			}
		}
	})

	t.Run("FRR starts at boot with its configuration", func(t *testing.T) {
		f := f.in(t)
		f.lab("stop", "node1")
		f.lab("start", "node1")
		f.report(0, "--wait", "60s")
		f.ipfabric(0, "plan")
	})

	t.Run("frr.conf of somebody else is not overwritten", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", `cp -p /etc/frr/frr.conf /root/ours; printf 'router ospf\nexit\n' >/etc/frr/frr.conf`)
		out := f.ipfabric(3, "init", "--yes", "--limit", "node1")
		if !strings.Contains(out, "--adopt") {
			t.Errorf("the error does not name --adopt:\n%s", tail(out))
		}
		if got := f.ssh("node1", "cat /etc/frr/frr.conf"); got != "router ospf\nexit\n" {
			t.Errorf("frr.conf is now %q", got)
		}
		f.ipfabric(0, "init", "--yes", "--limit", "node1", "--adopt")
		if got := f.ssh("node1", `cmp /etc/frr/frr.conf /root/ours && grep -l ospf /var/lib/ipfabric/backup/*`); !strings.Contains(got, "backup/frr.conf.") {
			t.Errorf("no copy of the adopted file: %q", got)
		}
	})

	t.Run("a running FRR of somebody else is taken over", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", `printf 'hostname mine\nip route 192.0.2.0/24 Null0\nline vty\n' >/etc/frr/frr.conf; systemctl restart frr`)
		f.ipfabric(0, "init", "--yes", "--adopt")
		f.ipfabric(0, "plan")
	})

	t.Run("a line typed into vtysh is taken back", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr1", `vtysh -c 'configure terminal' -c 'ip prefix-list STRAY seq 5 permit 192.0.2.0/24'`)
		if bad := f.report(4).bad(); !strings.Contains(bad, "rr1 config-in-sync") {
			t.Errorf("verify does not name it:\n%s", bad)
		}
		f.ipfabric(0, "init", "--yes")
		if got := f.ssh("rr1", `vtysh -c 'show running-config'`); strings.Contains(got, "STRAY") {
			t.Error("the line is still there")
		}
	})

	t.Run("a reflector is not made a router", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr2", `sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0; vtysh -c 'configure terminal' -c 'ip prefix-list STRAY seq 5 permit 192.0.2.0/24'`)
		f.ipfabric(0, "init", "--yes")
		if got := f.ssh("rr2", "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding"); got != "0\n0\n" {
			t.Errorf("forwarding is now %q", got)
		}
	})
}

// in returns the fabric for a subtest.
func (f *fabric) in(t *testing.T) *fabric {
	c := *f
	c.t = t
	return &c
}

// checkHealthy asserts that every session of two reflectors, three nodes and
// a core is up at both ends, in both families.
func (f *fabric) checkHealthy() {
	f.t.Helper()
	f.checkSessions(3)
}

// checkSessions asserts the same of a fabric with so many nodes.
func (f *fabric) checkSessions(nodes int) {
	f.t.Helper()
	r := f.report(0, "--wait", "60s")
	if !r.Healthy {
		f.t.Errorf("not healthy:\n%s", r.bad())
	}
	// rr1: the nodes, core, rr2; rr2: the nodes, core. IPv4 and IPv6.
	if want := 2 * (2*(nodes+1) + 1); len(r.Sessions) != want {
		f.t.Errorf("verify lists %d sessions, want %d", len(r.Sessions), want)
	}
	for _, s := range r.Sessions {
		if s.Near.State != "Established" || s.Far.State != "Established" || !s.Near.Negotiated || !s.Far.Negotiated {
			f.t.Errorf("%s-%s %s: %+v", s.RR, s.Peer, s.Family, s)
		}
	}
}

// runs is a shell line that says whether FRR runs a line of configuration, and
// rolledBack one that says whether the host has taken its change back.
func runs(line string) string { return "vtysh -c 'show running-config' | grep -qF '" + line + "'" }

const rolledBack = "test -e /var/lib/ipfabric/rollback/rolled-back"

// The commit-confirm of FRR: a change that costs sessions is taken back, by
// the operator's side if it lives, else by the host.
func TestLabRollback(t *testing.T) {
	beside(t, 270)
	f := newFabric(t, "--rrs", "2", "--nodes", "1", "--cores", "1")
	f.ipfabric(0, "init", "--yes")
	const before, after = "  - name: rr1\n", "  - name: rr1\n    frr: {extra: \"router bgp 65000\\n neighbor NODE4 shutdown\\nexit\\n\"}\n"
	const state = "cat /etc/frr/frr.conf; vtysh -c 'show running-config'"
	running := f.ssh("rr1", state)

	f.edit("a change that ends the nodes' sessions", before, after)
	out := f.ipfabric(3, "init", "--yes")
	if !strings.Contains(out, "rolled back") || !strings.Contains(out, "--accept-session-loss") {
		t.Errorf("the rollback is not told:\n%s", tail(out))
	}
	if got := f.ssh("rr1", state); got != running {
		t.Errorf("rr1 runs something else after the rollback:\n%s", got)
	}

	cmd := f.command("ipfabric", "init", "--yes")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f.waitOn("rr1", time.Minute, "rr1 runs the change", runs("NODE4 shutdown"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	// The host waits three minutes for a confirmation that does not come.
	f.waitOn("rr1", 4*time.Minute, "rr1 heals itself", rolledBack)
	if got := f.ssh("rr1", state); got != running {
		t.Errorf("rr1 runs something else after it healed itself:\n%s", got)
	}
	f.edit("the change is taken out again", after, before)
	out = f.ipfabric(0, "init", "--yes")
	if !strings.Contains(out, "nobody had confirmed") {
		t.Errorf("the next run does not tell of the rollback:\n%s", tail(out))
	}
	f.ipfabric(0, "plan")
}
