//go:build lab

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// loaded makes FRR start with the file on standard input, asks its own tool
// whether it runs that, and again after a change by hand. The tool names lines
// that no file can have: the host's name, what the host forwards, and on a core
// gateway the default that IPv4 is active, each under the lines of its block. While FRR 10
// still loads its file it refuses changes by hand.
const loaded = `set -eu
cat >/etc/frr/frr.conf
vtysh -C -f /etc/frr/frr.conf
systemctl reset-failed frr
systemctl restart frr
for i in $(seq 300); do vtysh -c 'show running-config' | grep -q '^router bgp ' && break; sleep 0.1; done
differs() { /usr/lib/frr/frr-reload.py --test --stdout /etc/frr/frr.conf 2>/dev/null | grep -v -e INFO -e hostname -e '^Lines To' -e '^=*$' -e '^ip forwarding' -e '^ipv6 forwarding' -e '^router bgp ' -e '^ address-family ipv4 unicast' -e '^  neighbor IPFABRIC-RR4 activate' -e '^ *exit$' || true; }
echo "after loading: $(differs)."
for i in $(seq 300); do vtysh -c 'configure terminal' -c 'ip prefix-list STRAY seq 5 permit 192.0.2.0/24' && break; sleep 0.1; done
echo "with a stray: $(differs)."
`

// What real FRR of each version thinks of the golden files of package steps,
// and that it can say no.
func testGoldens(t *testing.T, f *fabric) {
	for machine, version := range map[string]string{"rr1": "7.5", "node1": "8.4", "rr2": "10.3"} {
		t.Run(version, func(t *testing.T) {
			f := f.in(t)
			f.ssh(machine, "cp -p /etc/frr/frr.conf /root/frr.conf")
			defer f.ssh(machine, "cp -p /root/frr.conf /etc/frr/frr.conf && systemctl reset-failed frr && systemctl restart frr")
			goldens, err := filepath.Glob("../../steps/frr/conf/testdata/*-" + version + ".conf")
			if err != nil || len(goldens) != 4 {
				t.Fatal("not all golden files", goldens, err)
			}
			for _, path := range goldens {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				out, code := f.sshWith(machine, string(data), loaded)
				if code != 0 || !strings.Contains(out, "after loading: .\n") {
					t.Errorf("%s: exit %d, %s", path, code, out)
				}
				if !regexp.MustCompile(`(?s)with a stray: .*STRAY`).MatchString(out) {
					t.Errorf("%s: frr-reload.py does not see a line that was added by hand: %s", path, out)
				}
				broken := strings.Replace(string(data), "router-id", "router-idd", 1)
				out, code = f.sshWith(machine, broken, "cat >/tmp/broken.conf && vtysh -C -f /tmp/broken.conf")
				if code == 0 || !regexp.MustCompile(`line \d+: %? ?Unknown command`).MatchString(out) {
					t.Errorf("%s: FRR accepts a misspelt line: exit %d, %s", path, code, out)
				}
			}
			if version != "7.5" { // the text is for 8.1 or newer
				f.gatewayTexts(machine)
			}
		})
	}
	f.report(0, "--wait", "60s") // with its own configuration again
}

// replaced puts a newer block of `ipfabric gateway --vendor frr` in the place of
// the older one, as the text says.
const replaced = `set -eu
cat >/root/ipfabric.txt
sed -i '/^! begin of ipfabric/,/^! end of ipfabric/d' /etc/frr/frr.conf
sed -n '/^! begin of ipfabric/,/^! end of ipfabric/p' /root/ipfabric.txt >>/etc/frr/frr.conf
vtysh -C -f /etc/frr/frr.conf
/usr/lib/frr/frr-reload.py --reload --stdout /etc/frr/frr.conf >/dev/null 2>&1
vtysh -c 'show running-config'
`

// What a core gateway with FRR is given: real FRR loads it, and a newer text
// leaves nothing of the older one, and all that is the administrator's.
func (f *fabric) gatewayTexts(machine string) {
	f.t.Helper()
	text := func(fabric string) string {
		data, err := os.ReadFile("../../steps/gateway/testdata/" + fabric + "-frr.txt")
		if err != nil {
			f.t.Fatal(err)
		}
		return string(data)
	}
	for _, fabric := range []string{"full", "plain", "nobfd"} { // what follows replaces the last one
		const own = "ip prefix-list MINE seq 5 permit 192.0.2.0/24\n"
		out, code := f.sshWith(machine, own+text(fabric), loaded)
		if code != 0 || !strings.Contains(out, "after loading: .\n") || !strings.Contains(out, "STRAY") {
			f.t.Errorf("gateway text of fabric %s: exit %d, %s", fabric, code, out)
		}
	}
	out, code := f.sshWith(machine, text("plain"), replaced)
	if code != 0 {
		f.t.Fatalf("the text of another fabric: exit %d, %s", code, out)
	}
	for line, want := range map[string]bool{
		"ip prefix-list MINE seq 5 permit 192.0.2.0/24": true,
		" neighbor 10.10.0.11 description rr1":          true,
		" neighbor IPFABRIC-RR4 bfd":                    true,
		"description rr-1":                              false,
		"IPFABRIC-RR6":                                  false,
		"IPFABRIC-VM6":                                  false,
		"password":                                      false,
	} {
		if strings.Contains(out, line) != want {
			f.t.Errorf("after the text of another fabric, FRR has %q: %v\n%s", line, !want, out)
		}
	}
}

// sshWith runs a shell line on a machine with this standard input, and returns
// its whole output and its exit code.
func (f *fabric) sshWith(machine, stdin, line string) (string, int) {
	f.t.Helper()
	cmd := f.command("ipfabric-lab", "ssh", machine, line)
	cmd.Stdin = strings.NewReader(stdin)
	out, _ := cmd.CombinedOutput() // the exit code says it
	return string(out), cmd.ProcessState.ExitCode()
}

// cutOff keeps all packets from and to a machine for 6 s.
const cutOff = `systemd-run -q sh -c 'nft add table inet cut
for hook in input output; do nft add chain inet cut $hook "{ type filter hook $hook priority -400; policy drop; }"; done
sleep 6; nft delete table inet cut'`

// Whatever crashes, in a fabric of three versions of FRR: all sessions come
// back by themselves, also beside other tests. FRR 10.3 with BFD left them Idle
// for good.
func testRecovery(t *testing.T, f *fabric) {
	const bgpd = "kill -9 $(cat /run/frr/bgpd.pid)"
	for _, tt := range []struct{ machine, what, line string }{
		{"rr1", "bgpd is killed", bgpd},
		{"rr2", "bgpd is killed", bgpd},
		{"node1", "bgpd is killed", bgpd},
		{"node1", "bfdd is killed", "kill -9 $(cat /run/frr/bfdd.pid)"},
		{"rr2", "FRR is restarted", "systemctl restart frr"},
		{"core1", "BIRD is killed", "systemctl kill -s KILL bird; systemctl start bird"},
	} {
		f.ssh(tt.machine, tt.line)
		f.recovers(tt.machine + ": " + tt.what)
	}

	// What a reload cannot take back everywhere: init sees to it.
	const usual = "  password: {file: bgp.password}\n"
	have := usual
	for _, bfd := range []string{"  bfd: {interval: 500ms}\n", "", "  bfd: false\n", ""} {
		f.edit("bfd", have, usual+bfd)
		have = usual + bfd
		f.ipfabric(0, "init", "--yes", "--no-verify") // the lab's core keeps what it has
		f.ipfabric(0, "plan")
	}
	if r := f.report(0, "--wait", "60s"); !r.Healthy {
		t.Errorf("not healthy in the end:\n%s", r.bad())
	}
}

// recovers asserts that the fabric becomes healthy by itself.
func (f *fabric) recovers(after string) {
	f.t.Helper()
	began := time.Now()
	if r := f.report(0, "--wait", "60s"); !r.Healthy {
		f.t.Fatalf("%s: not healthy after it:\n%s", after, r.bad())
	}
	f.t.Logf("%s: healthy %.1f s later", after, time.Since(began).Seconds())
}

// How soon machines are missed that say nothing any more.
func testSilence(t *testing.T, f *fabric) {
	f.ssh("rr1", cutOff)
	cut := time.Now()
	f.lostBy("rr1", "rr2")
	t.Logf("rr1 is cut off: rr2 noticed after %.1f s", time.Since(cut).Seconds())
	f.recovers("rr1: the machine is cut off")

	// The dead have no other way to tell than their silence.
	nodes := []string{"node1", "node2"}
	for _, node := range nodes {
		f.lab("stop", node, "--kill")
	}
	began := time.Now()
	for _, node := range nodes {
		f.lostBy(node, "rr1")
		f.lostBy(node, "rr2")
	}
	took := time.Since(began)
	t.Logf("power cut: both reflectors have lost both nodes after %.1f s", took.Seconds())
	if took > 5*time.Second {
		t.Errorf("the reflectors have lost the nodes after %s only", took)
	}
	for _, node := range nodes {
		f.lab("start", node)
	}
	f.report(0, "--wait", "60s")
}

// lostBy waits until a reflector has no session with a machine, IPv4 or IPv6.
func (f *fabric) lostBy(machine, rr string) {
	f.t.Helper()
	f.waitOn(rr, 20*time.Second, rr+" has lost "+machine,
		`! for a in $(awk '$2 == "`+machine+`" { print $1 }' /etc/hosts); do vtysh -c "show bgp neighbors $a json"; done | grep -q '"bgpState":"Established"'`)
}
