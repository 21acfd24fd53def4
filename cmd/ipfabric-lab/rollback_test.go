//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spy looks as a user without rights for the words of its arguments, in what runs
// on the host and in FRR's folders, and prints where it finds one. It looks many
// times a second, as arguments are there for no longer than the process.
const spy = `rm -f /tmp/spied /tmp/spy-ends
install -m 0666 /dev/null /tmp/spied
systemd-run -q --uid=nobody python3 -c '
import glob, os, sys, time
words = [w.encode() for w in sys.argv[1:]]
own = "/proc/%d/cmdline" % os.getpid()
with open("/tmp/spied", "ab", buffering=0) as out:
    while not os.path.exists("/tmp/spy-ends"):
        for pattern in "/proc/[0-9]*/cmdline", "/run/frr/*", "/var/run/frr/*", "/run/ipfabric*/*", "/var/lib/ipfabric/*/*", "/etc/frr/*":
            for path in glob.iglob(pattern):
                try:
                    with open(path, "rb") as f:
                        text = f.read()
                except OSError:
                    continue
                if path != own and b"spied" not in text and any(w in text for w in words):
                    out.write(path.encode() + b": " + text.replace(b"\\0", b" ") + b"\\n")
        time.sleep(0.01)
' `

// What a change of FRR must outlive beside a run that is killed: TestLabRollback.
func TestLabRollbackIsTold(t *testing.T) {
	beside(t, 340)
	f := newFabric(t, "--rrs", "2", "--nodes", "1", "--cores", "1")
	f.ipfabric(0, "init", "--yes")
	path := filepath.Join(f.dir, ".lab", "bgp.password")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}

	t.Run("no user reads the password while it changes", func(t *testing.T) {
		f := f.in(t)
		hosts := []string{"rr1", "node1"}
		for _, h := range hosts {
			f.ssh(h, spy+strings.TrimSpace(string(old))+" another-password")
		}
		if err := os.WriteFile(path, []byte("another-password\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f.ipfabric(0, "init", "--yes", "--accept-session-loss", "--no-verify") // the core keeps the old one
		if err := os.WriteFile(path, old, 0o600); err != nil {
			t.Fatal(err)
		}
		f.ipfabric(0, "init", "--yes", "--accept-session-loss")
		for _, h := range hosts {
			if got := f.ssh(h, "touch /tmp/spy-ends; cat /tmp/spied"); strings.TrimSpace(got) != "" {
				t.Errorf("%s: a user has read\n%s", h, got)
			}
		}
	})

	t.Run("a full /etc/frr is no way to lose the old configuration", func(t *testing.T) {
		f := f.in(t)
		const usual = "  password: {file: bgp.password}\n"
		// A file system of its own, with room for frr.conf and its copies.
		f.ssh("rr1", "cp -a /etc/frr /tmp/frr && mount -t tmpfs -o size=256k,mode=0755 none /etc/frr && cp -a /tmp/frr/. /etc/frr/ && chown frr:frr /etc/frr")
		before := f.ssh("rr1", "cat /etc/frr/frr.conf")
		const from, to = "  - name: rr1\n", "  - name: rr1\n    frr: {extra: \"router bgp 65000\\n neighbor NODE4 shutdown\\nexit\\n\"}\n"
		f.edit("a change that ends the nodes' sessions", from, to)
		cmd := f.command("ipfabric", "init", "--yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		f.waitOn("rr1", time.Minute, "rr1 runs the change", runs("NODE4 shutdown"))
		f.ssh("rr1", "dd if=/dev/zero of=/etc/frr/full bs=1k 2>/dev/null; true")
		_ = cmd.Wait() // it says that the sessions did not come back
		if got := f.ssh("rr1", "cat /etc/frr/frr.conf"); got != before {
			t.Errorf("the new frr.conf is still there:\n%s", got)
		}
		if got := f.ssh("rr1", "vtysh -c 'show running-config'"); strings.Contains(got, "NODE4 shutdown") {
			t.Errorf("FRR runs the change")
		}
		f.edit("the change is taken out again", to, from)
		f.edit("another one", usual, usual+"  connect_retry: 7s\n")
		out := f.ipfabric(3, "init", "--yes", "--no-verify")
		if !strings.Contains(out, "No space left") && !strings.Contains(out, "full") {
			t.Errorf("a full disk is not told:\n%s", tail(out))
		}
		f.ssh("rr1", "umount -l /etc/frr")
		f.edit("and back", usual+"  connect_retry: 7s\n", usual)
		f.ipfabric(0, "init", "--yes")
	})

	t.Run("a run that was stopped for minutes confirms nothing", func(t *testing.T) {
		f := f.in(t)
		const from, to = "  - name: rr1\n", "  - name: rr1\n    frr: {extra: \"router bgp 65000\\n neighbor CORE4 shutdown\\nexit\\n\"}\n"
		f.edit("a change that ends the core's sessions", from, to)
		var out strings.Builder
		cmd := f.command("ipfabric", "init", "--yes")
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		f.waitOn("rr1", time.Minute, "rr1 runs the change", runs("CORE4 shutdown"))
		if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		f.waitOn("rr1", 4*time.Minute, "rr1 heals itself", rolledBack)
		if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code == 0 || strings.Contains(out.String(), "FRR's change is confirmed: changed") {
			t.Errorf("exit %d:\n%s", code, tail(out.String()))
		}
		f.edit("the change is taken out again", to, from)
		f.ipfabric(0, "init", "--yes")
	})

	t.Run("an uplink that is configured anew keeps the VMs' IPv6", func(t *testing.T) {
		f := f.in(t)
		v := f.addVM("web", "node1")
		f.announced(v, "node1")
		for range 3 {
			f.ssh("node1", "networkctl reconfigure host0")
			time.Sleep(3 * time.Second) // networkd says nothing when it is done
		}
		f.announced(v, "node1")
		f.report(0, "--wait", "60s")
	})
}
