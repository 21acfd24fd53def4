//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var fabricHosts = []string{"rr1", "rr2", "node1"}

// TestLabNonRoot makes a whole fabric as a user who needs a password for sudo.
func TestLabNonRoot(t *testing.T) {
	beside(t, 60)
	f := newFabric(t, "--nodes", "1")
	const user = cheapPasswords + `
set -e; useradd -m -s /bin/bash ops; echo 'ops:sudo of ops' | cheap
install -d -o ops -m 700 /home/ops/.ssh; install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/authorized_keys
`
	for _, h := range fabricHosts {
		f.ssh(h, user+`export DEBIAN_FRONTEND=noninteractive
apt-get -qq update >/dev/null; apt-get -qq -y install --no-install-recommends sudo >/dev/null 2>&1
echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops`)
	}
	f.ssh("core1", user+"adduser --quiet ops bird") // who may ask BIRD, and has no sudo
	f.edit("the user is ops", "  user: root\n", "  user: ops\n")
	f.env = sudoIs("sudo of ops")
	f.wholeFabric()
	f.ipfabric(0, "vm", "add", "web", "--node", "node1")
	f.ipfabric(0, "vm", "remove", "web", "--yes")
}

// TestLabOverJumpHost makes one over a jump host, to management addresses that are IPv6 only.
func TestLabOverJumpHost(t *testing.T) {
	beside(t, 60)
	f := newFabric(t, "--nodes", "1")
	text, err := os.ReadFile(filepath.Join(f.dir, ".lab", "fabric.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	jump := address(f, "core1")
	for _, h := range fabricHosts {
		ip6 := strings.TrimSpace(f.ssh(h, "ip -6 -o address show dev host0 scope global | awk '{print $4}' | cut -d/ -f1"))
		entry := "  - name: " + h + "\n"
		if !strings.Contains(string(text), entry) {
			t.Fatalf("fabric.yaml has no %s:\n%s", h, text)
		}
		f.edit(h+" is managed over IPv6", entry, entry+"    ssh: {address: \""+ip6+"\", jump: [\"root@"+jump+"\"]}\n")
	}
	f.wholeFabric()
	for _, h := range fabricHosts {
		if from := f.ssh(h, "journalctl --no-pager -q -t sshd | grep -o 'Accepted publickey for root from fd[^ ]*' | sort -u"); !strings.Contains(from, ":1\n") {
			t.Errorf("%s was not reached from the core's IPv6 address: %q", h, from)
		}
	}
}

// wholeFabric makes it, and again.
func (f *fabric) wholeFabric() {
	f.t.Helper()
	f.ipfabric(0, "init", "--yes")
	f.checkSessions(1)
	if out := f.ipfabric(0, "init", "--yes"); !strings.Contains(out, "0 changes") {
		f.t.Errorf("the second init does not say 0 changes:\n%s", tail(out))
	}
	f.ipfabric(0, "plan")
}
