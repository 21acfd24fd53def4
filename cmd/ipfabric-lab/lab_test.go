//go:build lab

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var sixMachines = []string{"core1 running", "rr1 running", "rr2 running", "node1 running", "node2 running", "node3 running"}

func TestLabUpUseDown(t *testing.T) {
	f := newFixture(t)
	f.ok("up", "--rrs", "1", "--nodes", "0", "--cores", "0") // the image is there from here on
	f.ok("down")
	f.nothingLeft()

	begun := time.Now()
	up := f.ok("up")
	took := time.Since(begun)
	t.Logf("six machines from a warm image: %.1f s", took.Seconds())
	if took > 15*time.Second {
		t.Errorf("up took %v; 15 s is the most", took)
	}
	if !strings.Contains(up.stderr, "ipfabric -f "+f.dir+"/fabric.yaml init") {
		t.Errorf("up does not say what is next:\n%s", up.stderr)
	}
	if diff := cmp.Diff(sixMachines, f.states()); diff != "" {
		t.Fatalf("machines (-want +got):\n%s", diff)
	}

	t.Run("machines are as a new server is", func(t *testing.T) {
		for command, want := range map[string]string{
			"hostname": "node1",
			"systemctl is-system-running --wait; systemctl --failed --no-legend --plain": "running",
			"command -v vtysh birdc; test ! -e /etc/frr && echo no FRR":                  "no FRR",
			"sysctl -n net.ipv4.ip_forward":                                              "0",
			"ls /dev/net/tun":                                                            "/dev/net/tun",
			"stat -fc %T /sys/fs/cgroup":                                                 "cgroup2fs",
		} {
			if got := strings.TrimSpace(f.run("ssh", "node1", command).stdout); got != want {
				t.Errorf("%s: %q, want %q", command, got, want)
			}
		}
	})
	t.Run("machines reach each other by name, over both IP versions", func(t *testing.T) {
		f.ok("ssh", "node1", "ping -4 -c1 -W2 rr2 && ping -6 -c1 -W2 core1 && ping -6 -c1 -W2 node3")
	})
	t.Run("machines reach the package mirrors", func(t *testing.T) {
		f.ok("ssh", "rr1", "apt-get -qq -o Acquire::Retries=2 update && apt-cache show frr >/dev/null")
	})
	t.Run("the core runs BIRD with both families to each reflector", func(t *testing.T) {
		out := f.ok("ssh", "core1", "birdc", "-r", "show", "protocols").stdout
		for _, name := range []string{"ipfabric_rr1_v4", "ipfabric_rr1_v6", "ipfabric_rr2_v4", "ipfabric_rr2_v6"} {
			if !regexp.MustCompile(`(?m)^` + name + ` +BGP`).MatchString(out) {
				t.Errorf("no %s in\n%s", name, out)
			}
		}
	})
	t.Run("ssh has the command's exit code and input", func(t *testing.T) {
		if r := f.run("ssh", "node1", "exit 7"); r.code != 7 {
			t.Errorf("exit %d", r.code)
		}
		cmd := f.command("ssh", "node1", "tr a-z A-Z")
		cmd.Stdin = strings.NewReader("shout")
		if out, err := cmd.Output(); err != nil || string(out) != "SHOUT" {
			t.Errorf("%q, %v", out, err)
		}
		// The lab's own flags also after the machine's name; the command's are its own.
		out, err := exec.Command(program, "ssh", "node1", "--dir", f.dir, "echo", "--dir", "x").Output()
		if err != nil || string(out) != "--dir x\n" {
			t.Errorf("%q, %v", out, err)
		}
	})
	t.Run("up again changes nothing", func(t *testing.T) {
		before := f.ok("ssh", "node1", "cat /proc/sys/kernel/random/boot_id; systemctl show -p ExecMainPID bird ssh").stdout
		r := f.ok("up")
		if n := strings.Count(r.stderr, "runs already"); n != 6 {
			t.Errorf("it says of %d machines that they run already:\n%s", n, r.stderr)
		}
		if strings.Contains(r.stderr, "BIRD configured") {
			t.Errorf("BIRD was configured again:\n%s", r.stderr)
		}
		if after := f.ok("ssh", "node1", "cat /proc/sys/kernel/random/boot_id; systemctl show -p ExecMainPID bird ssh").stdout; after != before {
			t.Error("node1 was booted again")
		}
	})

	f.ok("down")
	f.nothingLeft()
	if r := f.ok("down"); !strings.Contains(r.stderr, "no lab there") {
		t.Errorf("down twice says:\n%s", r.stderr)
	}
}

func TestLabStopStartReboot(t *testing.T) {
	beside(t, 20)
	f := newFixture(t)
	f.ok("up", "--rrs", "1", "--nodes", "1", "--cores", "0")
	f.ok("ssh", "node1", "echo kept >/root/note; sync")

	f.ok("stop", "node1", "--kill")
	if diff := cmp.Diff([]string{"rr1 running", "node1 stopped"}, f.states()); diff != "" {
		t.Errorf("after the power cut (-want +got):\n%s", diff)
	}
	r := f.run("ssh", "node1", "true")
	if r.code != 1 || !strings.Contains(r.stderr, "`ipfabric-lab start node1`") {
		t.Errorf("ssh to it: exit %d\n%s", r.code, r.stderr)
	}
	f.ok("start", "node1")
	if got := f.ok("ssh", "node1", "cat /root/note").stdout; got != "kept\n" {
		t.Errorf("its disk has %q", got)
	}

	// A clean stop ends services in order: they get to write their last word.
	f.ok("ssh", "node1", `systemd-run --quiet --unit=last -p 'ExecStop=/bin/sh -c "echo stopped >/root/last"' -p RemainAfterExit=yes true`)
	if r := f.ok("stop", "node1"); !strings.Contains(r.stderr, "node1: shut down") {
		t.Errorf("stop says:\n%s", r.stderr)
	}
	f.ok("stop", "node1") // again: no harm
	f.ok("start", "node1")
	if got := f.ok("ssh", "node1", "cat /root/last").stdout; got != "stopped\n" {
		t.Errorf("the service's last word is %q", got)
	}

	boot := f.ok("ssh", "node1", "cat /proc/sys/kernel/random/boot_id").stdout
	f.run("ssh", "node1", "systemctl reboot")
	deadline := time.Now().Add(30 * time.Second)
	for {
		r := f.run("ssh", "node1", "cat /proc/sys/kernel/random/boot_id")
		if r.code == 0 && r.stdout != boot {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("node1 did not come back from a reboot: %+v", r)
		}
	}
}

func TestLabFabricIsTheOperators(t *testing.T) {
	beside(t, 15)
	f := newFixture(t)
	file := filepath.Join(f.dir, "fabric.yaml")
	f.ok("up", "--rrs", "1", "--nodes", "0")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(text), `communities: ["65000:100"]`, `communities: ["65000:777"]`, 1)
	if err := os.WriteFile(file, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	r := f.ok("up", "--nodes", "1")
	if !strings.Contains(r.stderr, "core1: BIRD configured") || !strings.Contains(r.stderr, "  - name: node1") {
		t.Errorf("up neither brings the edited file to BIRD nor says what the file lacks:\n%s", r.stderr)
	}
	f.ok("ssh", "core1", "grep -q 65000,777 /etc/bird/ipfabric.conf")

	if err := os.WriteFile(file, []byte("fabric: [\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := f.run("up"); r.code != 1 || !strings.Contains(r.stderr, "fabric.yaml:") || !strings.Contains(r.stderr, "hint: ") {
		t.Errorf("with a broken file: exit %d\n%s", r.code, r.stderr)
	}

	f.ok("down")
	left, err := os.ReadDir(f.dir)
	if err != nil || len(left) != 1 || left[0].Name() != "fabric.yaml" {
		t.Errorf("down leaves %v, %v; only the edited fabric.yaml should stay", left, err)
	}
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
}

// TestLabKilledUp kills up at moments all over its work; down must find
// everything that it began, and up must work after a kill, too.
func TestLabKilledUp(t *testing.T) {
	beside(t, 50)
	f := newFixture(t)
	for delay := 20 * time.Millisecond; delay < 3*time.Second; delay = delay * 3 / 2 {
		f.killedAfter(delay, "up", "--rrs", "1", "--nodes", "0")
		f.ok("down")
		f.nothingLeft()
	}
	f.killedAfter(400*time.Millisecond, "up", "--rrs", "1", "--nodes", "1")
	f.ok("up") // of the size that it was told before
	if diff := cmp.Diff([]string{"core1 running", "rr1 running", "node1 running"}, f.states()); diff != "" {
		t.Errorf("up after a kill (-want +got):\n%s", diff)
	}
}

func TestLabTwoAtOnce(t *testing.T) {
	a, b := newFixture(t), newFixture(t)
	done := make(chan result)
	for _, f := range []*fixture{a, b} {
		go func() { done <- f.run("up", "--rrs", "1", "--nodes", "0", "--cores", "0") }()
	}
	for range 2 {
		if r := <-done; r.code != 0 {
			t.Fatalf("up: exit %d\n%s", r.code, r.stderr)
		}
	}
	if x, y := a.bridge(), b.bridge(); x == "" || y == "" || x == y {
		t.Errorf("the bridges are %q and %q", x, y)
	}
	tables, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		t.Fatal(err)
	}
	gone := a.bridge()
	a.ok("down")
	a.nothingLeft()
	b.ok("ssh", "rr1", "apt-get -qq update") // its way out is still there
	after, err := exec.Command("nft", "list", "tables").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(string(tables), "table ip "+gone+"\n", "", 1)
	if string(after) != want {
		t.Errorf("tables after the other lab is down:\n%swant:\n%s", after, want)
	}
}

func TestLabDownWithoutItsFolder(t *testing.T) {
	beside(t, 5)
	f := newFixture(t)
	f.ok("up", "--rrs", "1", "--nodes", "0", "--cores", "0")
	if err := os.RemoveAll(f.dir); err != nil {
		t.Fatal(err)
	}
	f.ok("down")
	f.nothingLeft()
}

// A host that was booted again has the folder, but no bridge.
func TestLabUpAfterTheHostRebooted(t *testing.T) {
	beside(t, 10)
	f := newFixture(t)
	f.ok("up", "--rrs", "1", "--nodes", "1", "--cores", "0")
	f.ok("ssh", "node1", "echo kept >/root/note; sync")
	for _, name := range []string{"rr1", "node1"} {
		f.ok("stop", name, "--kill")
	}
	bridge := f.bridge()
	if out, err := exec.Command("ip", "link", "del", bridge).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f.ok("up")
	if got := f.bridge(); got != bridge {
		t.Errorf("the network is %s now, and was %s", got, bridge)
	}
	if got := f.ok("ssh", "node1", "cat /root/note").stdout; got != "kept\n" {
		t.Errorf("its disk has %q", got)
	}
}

// Machines are not to hold on to what ipfabric-lab was started with: a script
// that reads its output must see the end of it.
func TestLabUpLetsGoOfItsOutput(t *testing.T) {
	beside(t, 10)
	f := newFixture(t)
	client, server, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	cmd := f.command("up", "--rrs", "1", "--nodes", "0", "--cores", "0")
	cmd.Stdout, cmd.Stderr = server, server
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if err := client.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := bytes.NewBuffer(nil).ReadFrom(client); errors.As(err, &timeout) || err != nil {
		t.Errorf("somebody still has it open: %v", err)
	}
}
