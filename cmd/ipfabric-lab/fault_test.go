//go:build lab

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What breaks, is named by verify and repaired by init.
func testFaults(t *testing.T, f *fabric) {
	t.Run("bgpd killed on a node", func(t *testing.T) {
		f := f.in(t)
		// watchfrr as well, or it would start bgpd again at once.
		f.ssh("node1", "systemctl kill -s KILL frr; systemctl stop frr; true")
		bad := f.report(4).bad()
		if !strings.Contains(bad, "node1 frr-running") {
			t.Errorf("verify does not name node1's FRR:\n%s", bad)
		}
		for _, host := range []string{"rr1", "rr2", "node2", "node3"} {
			if strings.Contains(bad, "\n"+host+" ") || strings.HasPrefix(bad, host+" ") {
				t.Errorf("verify blames %s:\n%s", host, bad)
			}
		}
		for line := range strings.Lines(bad) {
			if !strings.Contains(line, "node1") {
				t.Errorf("verify blames somebody else: %s", line)
			}
		}
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("a reflector's frr.conf broken by hand", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr1", `sed -i 's/^router bgp.*/router bgq 1/' /etc/frr/frr.conf && systemctl restart frr`)
		bad := f.report(4).bad()
		if !strings.Contains(bad, "rr1 config-in-sync") {
			t.Errorf("verify does not name rr1's configuration:\n%s", bad)
		}
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("a machine that is off during init", func(t *testing.T) {
		f := f.in(t)
		f.lab("stop", "node3")
		bad := f.report(4).bad()
		if !strings.Contains(bad, "node3 reachable") {
			t.Errorf("verify does not name node3:\n%s", bad)
		}
		// Something to do on every host.
		f.edit("connect", "  password: {file: bgp.password}\n", "  password: {file: bgp.password}\n  connect_retry: 7s\n")
		out := f.ipfabric(3, "init", "--yes")
		if !strings.Contains(out, "node3") {
			t.Errorf("the summary does not name node3:\n%s", tail(out))
		}
		for _, host := range []string{"rr1", "rr2", "node1", "node2"} {
			if got := f.ssh(host, "grep -c 'timers connect 7' /etc/frr/frr.conf"); got == "0\n" {
				t.Errorf("%s was not finished", host)
			}
		}
		f.lab("start", "node3")
		out = f.ipfabric(0, "init", "--yes")
		for line := range strings.Lines(out) {
			if strings.Contains(line, ": changed") && !strings.HasPrefix(line, "node3") {
				t.Errorf("the rerun changed another host: %s", line)
			}
		}
		f.checkHealthy()
	})

	t.Run("another community on a running fabric", func(t *testing.T) {
		f := f.in(t)
		f.edit("communities", `["65000:100"]`, `["65000:100", "65000:7"]`)
		f.ipfabric(0, "init", "--yes", "--no-verify") // the lab's core expects the old one
		f.ipfabric(0, "plan")
		f.edit("communities", `["65000:100", "65000:7"]`, `["65000:100"]`)
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("a new password", func(t *testing.T) {
		f := f.in(t)
		path := filepath.Join(f.dir, ".lab", "bgp.password")
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("another-password\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := f.ipfabric(3, "init", "--yes"); !strings.Contains(out, "--accept-session-loss") {
			t.Errorf("no word of what it takes:\n%s", tail(out))
		}
		f.ipfabric(0, "init", "--yes", "--accept-session-loss", "--no-verify") // the core keeps the old one
		f.ipfabric(0, "plan")
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		f.ipfabric(0, "init", "--yes", "--accept-session-loss")
		f.checkHealthy()
	})

	t.Run("frr.conf is gone", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", "rm /etc/frr/frr.conf")
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("a bgpd that hangs", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", "kill -STOP $(cat /run/frr/bgpd.pid)")
		if bad := f.report(4).bad(); !strings.Contains(bad, "node1 frr-running: ") {
			t.Errorf("verify does not name node1's FRR:\n%s", bad)
		}
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("no python3", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", "mv $(readlink -f /usr/bin/python3) /root/python3")
		f.edit("connect_retry", "connect_retry: 7s", "connect_retry: 6s")
		before := f.ssh("node1", "cat /etc/frr/frr.conf")
		if out := f.ipfabric(3, "init", "--yes"); !strings.Contains(out, "python3") {
			t.Errorf("python3 is not named:\n%s", tail(out))
		}
		if f.ssh("node1", "cat /etc/frr/frr.conf") != before {
			t.Error("frr.conf was replaced though it cannot be loaded")
		}
		f.ssh("node1", "mv /root/python3 $(readlink -m /usr/bin/python3)")
		f.ipfabric(0, "init", "--yes")
		f.checkHealthy()
	})

	t.Run("the ssh addresses of two hosts mixed up", func(t *testing.T) {
		f := f.in(t)
		swapped := map[string]string{"node2": address(f, "node3"), "node3": address(f, "node2")}
		for name, addr := range swapped {
			f.edit(name, "  - name: "+name+"\n", "  - name: "+name+"\n    ssh: {address: "+addr+"}\n")
		}
		if out := f.ipfabric(3, "plan"); strings.Count(out, "does not have the address") < 2 {
			t.Errorf("it is not noticed:\n%s", tail(out))
		}
		for name, addr := range swapped {
			f.edit(name, "    ssh: {address: "+addr+"}\n", "")
		}
	})

	t.Run("a changed host key", func(t *testing.T) {
		f := f.in(t)
		known := filepath.Join(f.dir, ".lab", "known_hosts")
		good, err := os.ReadFile(known)
		if err != nil {
			t.Fatal(err)
		}
		// node1's line gets node2's key.
		swapped := swapKeys(string(good), address(f, "node1"), address(f, "node2"))
		if err := os.WriteFile(known, []byte(swapped), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.WriteFile(known, good, 0o600)
		out := f.ipfabric(1, "init", "--yes")
		if !strings.Contains(out, "remove its old key: ssh-keygen ") {
			t.Errorf("no hint what to do about the key:\n%s", tail(out))
		}
	})

	t.Run("a refused login", func(t *testing.T) {
		f := f.in(t)
		// A second sshd goes on accepting the key: by it the first one's is put back.
		f.ssh("node1", "cp -a /root/.ssh/authorized_keys /root/.ssh/kept && systemd-run --quiet --unit=way-back /usr/sbin/sshd -D -p 2200 -o AuthorizedKeysFile=/root/.ssh/kept")
		back := func(line string) bool {
			_, code := f.exec("ipfabric-lab", "ssh", "node1", "-p", "2200", "-o", "HostKeyAlias=node1", line)
			return code == 0
		}
		wait(t, 10*time.Second, "the second sshd answers", func() bool { return back("rm /root/.ssh/authorized_keys") })
		f.ipfabric(1, "init", "--yes")
		if !back("cp -a /root/.ssh/kept /root/.ssh/authorized_keys && systemctl stop way-back") {
			t.Fatal("the key cannot be put back")
		}
		f.ipfabric(0, "plan")
	})
}

// address returns a machine's IPv4 address as it stands in the inventory.
func address(f *fabric, machine string) string {
	return strings.TrimSpace(f.ssh(machine, "ip -4 -o address show dev host0 | awk '{print $4}' | cut -d/ -f1"))
}

// swapKeys puts the key that known_hosts has for b where it has one for a.
func swapKeys(known, a, b string) string {
	key := ""
	for line := range strings.Lines(known) {
		if f := strings.Fields(line); len(f) >= 3 && strings.Contains(f[0], b) {
			key = f[2]
		}
	}
	var out strings.Builder
	for line := range strings.Lines(known) {
		if f := strings.Fields(line); len(f) >= 3 && strings.Contains(f[0], a) {
			line = strings.Replace(line, f[2], key, 1)
		}
		out.WriteString(line)
	}
	return out.String()
}

// edit replaces a text of the inventory.
func (f *fabric) edit(what, from, to string) {
	f.t.Helper()
	path := filepath.Join(f.dir, ".lab", "fabric.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatal(err)
	}
	if !strings.Contains(string(data), from) {
		f.t.Fatalf("%s: %q is not in %s", what, from, path)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), from, to, 1)), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// The operator's process is killed at any moment: the next run completes, and
// no half-written file is left.
func TestLabKilledInit(t *testing.T) {
	beside(t, 80)
	f := newFabric(t, "--rrs", "2", "--nodes", "1", "--cores", "1")
	retry := "  password: {file: bgp.password}\n"
	for i := range 6 {
		// Something to do each time, also if the run before came to its end.
		next := fmt.Sprintf("  password: {file: bgp.password}\n  connect_retry: %ds\n", 6+i)
		f.edit("connect_retry", retry, next)
		retry = next
		after := time.Duration(200+rand.IntN(7000)) * time.Millisecond
		cmd := f.command("ipfabric", "init", "--yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		killer.Stop()
		t.Logf("after %s: %v", after, err)
		for _, host := range []string{"rr1", "rr2", "node1"} {
			// The files in place are whole: nothing, the package's or ours.
			out := f.ssh(host, `for x in /etc/frr/frr.conf /usr/local/bin/ipfabric-agent; do [ ! -e $x ] || tail -c 200 $x | od -An -c | tail -n 2; done; [ ! -e /etc/frr/frr.conf ] || ! command -v vtysh >/dev/null || vtysh -C -f /etc/frr/frr.conf`)
			if strings.Contains(out, "Unknown command") {
				t.Fatalf("%s has half a frr.conf:\n%s", host, out)
			}
		}
	}
	f.ipfabric(0, "init", "--yes")
	for _, host := range []string{"rr1", "rr2", "node1"} {
		if remains := strings.TrimSpace(f.ssh(host, noRemains)); remains != "" {
			t.Errorf("left on %s:\n%s", host, remains)
		}
	}
	f.ipfabric(0, "plan")
}
