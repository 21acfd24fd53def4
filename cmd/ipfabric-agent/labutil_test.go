//go:build lab

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipfabric/inventory/vm"
)

// inNetns runs the calling test again in a network namespace of its own, with
// private mounts, and returns true there. In the first process it returns
// false: the test is over. Such tests run side by side: they share nothing, and
// mostly wait.
func inNetns(t *testing.T) bool {
	t.Helper()
	if os.Getenv("IPFABRIC_TEST_NETNS") == t.Name() {
		must(t, "mount", "--make-rprivate", "/")
		must(t, "ip", "link", "set", "lo", "up")
		for _, s := range []string{"ipv4/ip_forward", "ipv6/conf/all/forwarding"} {
			write(t, "/proc/sys/net/"+s, "1")
		}
		return true
	}
	if os.Geteuid() != 0 {
		t.Fatal("this test makes network namespaces: run it as root")
	}
	t.Parallel()
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), "IPFABRIC_TEST_NETNS="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	return false
}

func sh(argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return string(out), nil
}

func must(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := sh(argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-again.C {
		if ok() {
			return
		}
	}
	t.Fatalf("it never happened: %s", what)
}

// An agent is a process.
type agent struct {
	t      *testing.T
	dir    string
	socket string
	cmd    *exec.Cmd
	log    *bytes.Buffer
}

const labConfig = `fabric: "lab"
node: "node1"
virtualization: kvm
gateway:
  ipv4: "10.0.0.1"
  ipv6: "fe80::1"
  mac: "02:00:00:00:00:01"
pools:
  - "203.0.113.0/24"
  - "100.64.0.0/10"
  - "2001:db8:100::/48"
`

// newAgent starts an agent. more is put at the end of its configuration.
func newAgent(t *testing.T, more string) *agent {
	t.Helper()
	dir := t.TempDir()
	a := &agent{t: t, dir: dir, socket: filepath.Join(dir, "agent.sock")}
	write(t, filepath.Join(dir, "agent.yaml"), labConfig+more)
	a.start()
	t.Cleanup(func() {
		a.stop(syscall.SIGTERM)
		if t.Failed() {
			t.Logf("the agent's log:\n%s", a.log)
		}
	})
	return a
}

func (a *agent) command(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{"--socket", a.socket}, args...)...)
	cmd.Env = append(os.Environ(), "IPFABRIC_TEST_BE_AGENT=1")
	return cmd
}

func (a *agent) start() {
	a.t.Helper()
	a.log = &bytes.Buffer{}
	a.cmd = a.command("run", "-v", "--config", filepath.Join(a.dir, "agent.yaml"), "--state", filepath.Join(a.dir, "state"),
		"--rt-protos", filepath.Join(a.dir, "ipfabric.conf"), "--bgpd-socket", filepath.Join(a.dir, "bgpd.vty"),
		"--libvirt-defined", filepath.Join(a.dir, "defined"), "--libvirt-running", filepath.Join(a.dir, "running"))
	a.cmd.Stderr = a.log
	if err := a.cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	eventually(a.t, "the agent answers", func() bool { _, err := a.try("status"); return err == nil })
}

func (a *agent) stop(sig syscall.Signal) {
	if a.cmd == nil {
		return
	}
	a.cmd.Process.Signal(sig)
	err := a.cmd.Wait()
	if sig == syscall.SIGTERM && err != nil {
		a.t.Errorf("the agent: %v", err)
	}
	a.cmd = nil
}

func (a *agent) try(args ...string) (string, error) {
	out, err := a.command(args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%v: %w: %s", args, err, out)
	}
	return string(out), nil
}

func (a *agent) do(args ...string) string {
	a.t.Helper()
	out, err := a.try(args...)
	if err != nil {
		a.t.Fatal(err)
	}
	return out
}

func (a *agent) refuses(want string, args ...string) {
	a.t.Helper()
	out, err := a.try(args...)
	if err == nil || !strings.Contains(out, want) {
		a.t.Errorf("%v: got %v, %s; want %q in it", args, err, out, want)
	}
}

func (a *agent) status() vm.Status {
	a.t.Helper()
	var s vm.Status
	if err := json.Unmarshal([]byte(a.do("status", "--json")), &s); err != nil {
		a.t.Fatal(err)
	}
	return s
}

// quietTime is longer than the agent waits for more events. Nothing tells that
// an event is still on its way from the kernel, but that something is done soon.
const quietTime = 100 * time.Millisecond

// settled waits until the agent has dealt with all events: until it has done
// nothing for some time. It returns how many changes the agent has made.
func (a *agent) settled() int {
	a.t.Helper()
	last, since := a.status().Reconcile, time.Now()
	eventually(a.t, "the agent is done", func() bool {
		asked := time.Now()
		if now := a.status().Reconcile; now.Changes != last.Changes || now.Full != last.Full || now.Partial != last.Partial {
			last, since = now, time.Now()
		}
		return asked.Sub(since) > quietTime
	})
	return last.Changes
}

// routes returns the agent's routes.
func routes(t *testing.T) string {
	t.Helper()
	out := must(t, "ip", "-4", "route", "show", "proto", "201") + must(t, "ip", "-6", "route", "show", "proto", "201")
	for _, noise := range []string{" pref medium", " linkdown", " scope link"} {
		out = strings.ReplaceAll(out, noise, "")
	}
	var lines []string
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		lines = append(lines, strings.TrimSpace(l))
	}
	return strings.Join(lines, "\n")
}

// learned are elements of sets that packets have made.
var learned = regexp.MustCompile(`\s*elements = \{[^}]* expires [^}]*\}`)

// kernelState is all that the agent could change.
func kernelState(t *testing.T) string {
	t.Helper()
	out := must(t, "ip", "-d", "addr") + must(t, "ip", "-4", "route") + must(t, "ip", "-6", "route") +
		must(t, "ip", "neigh", "show", "nud", "permanent") + learned.ReplaceAllString(must(t, "nft", "list", "ruleset"), "")
	return out
}

// sysctls are those of an interface that the agent sets.
func sysctls(t *testing.T, device string) string {
	t.Helper()
	return must(t, "sh", "-c", "cd /proc/sys/net; grep -H . ipv?/conf/"+device+"/forwarding ipv?/conf/"+device+"/accept_redirects ipv4/neigh/"+device+
		"/proxy_delay ipv4/conf/"+device+"/rp_filter ipv4/conf/"+device+"/proxy_arp ipv4/conf/"+device+"/send_redirects ipv6/conf/"+device+"/accept_ra")
}

// A guestHost is a network namespace behind a VM's interface.
type guestHost struct {
	t   *testing.T
	pid string
}

// newNamespace makes a network namespace that lasts until the test ends.
func newNamespace(t *testing.T) *guestHost {
	t.Helper()
	cmd := exec.Command("sleep", "infinity")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return &guestHost{t: t, pid: fmt.Sprint(cmd.Process.Pid)}
}

// newGuest makes a veth whose other end is eth0 of a new namespace, configured
// as a guest is.
func newGuest(t *testing.T, device, ip, ip6 string) *guestHost {
	t.Helper()
	g := newNamespace(t)
	must(t, "ip", "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", g.pid)
	g.run("ip", "link", "set", "lo", "up")
	g.run("ip", "link", "set", "eth0", "up")
	g.run("ip", "addr", "add", ip+"/32", "dev", "eth0")
	g.run("ip", "route", "add", "10.0.0.1", "dev", "eth0", "scope", "link")
	g.run("ip", "route", "add", "default", "via", "10.0.0.1")
	if ip6 != "" {
		g.run("ip", "addr", "add", ip6+"/128", "dev", "eth0", "nodad")
		g.run("ip", "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
	}
	return g
}

func (g *guestHost) argv(argv ...string) []string {
	return append([]string{"nsenter", "-t", g.pid, "-n", "--"}, argv...)
}

func (g *guestHost) run(argv ...string) { g.t.Helper(); must(g.t, g.argv(argv...)...) }

func (g *guestHost) mac() string {
	g.t.Helper()
	fields := strings.Fields(must(g.t, g.argv("ip", "-br", "link", "show", "eth0")...))
	return fields[2]
}

// pings says whether a guest reaches an address.
func (g *guestHost) pings(address string) bool {
	_, err := sh(g.argv("ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", address)...)
	return err == nil
}
