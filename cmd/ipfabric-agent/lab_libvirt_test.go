//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const labDomain = `<domain type='kvm'><name>q1</name>
<metadata><ipfabric:vm xmlns:ipfabric="urn:ipfabric:vm" ip="203.0.113.1"/></metadata>
<devices><interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='q1_net0' managed='no'/></interface></devices></domain>`

// hook calls libvirt's hook, as libvirtd does.
func (a *agent) hook(op, domain string) {
	a.t.Helper()
	cmd := a.command("hook", "libvirt", "--", "q1", op, "begin", "-")
	cmd.Stdin = strings.NewReader(domain)
	if out, err := cmd.Output(); err != nil || len(out) > 0 {
		a.t.Errorf("%s: %v, %q", op, err, out)
	}
}

// startQEMU opens the tap as QEMU does, and notes it as libvirt does.
func (a *agent) startQEMU(domain string) *os.File {
	a.t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := unix.NewIfreq("q1_net0")
	if err != nil {
		a.t.Fatal(err)
	}
	req.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		a.t.Fatal(err)
	}
	write(a.t, filepath.Join(a.dir, "running", "q1.xml"),
		"<domstatus state='running' reason='booted' pid='"+strconv.Itoa(os.Getpid())+"'>"+domain+"</domstatus>")
	return os.NewFile(uintptr(fd), "q1_net0")
}

// A domain starts whatever is with the agent, and is taken up once it can be.
func TestLabLibvirtWithoutTheAgent(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	for _, dir := range []string{"defined", "running"} {
		if err := os.Mkdir(filepath.Join(a.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const route = "203.0.113.1 dev q1_net0 metric 1024"

	// The agent refuses the metadata.
	refused := strings.ReplaceAll(labDomain, "203.0.113.1", "8.8.8.8")
	a.hook("prepare", refused)
	if link := must(t, "ip", "link", "show", "q1_net0"); !strings.Contains(link, "state DOWN") || strings.Contains(link, ",UP") {
		t.Errorf("the tap of a refused domain: %s", link)
	}
	if w := strings.Join(a.status().Warnings, "; "); !strings.Contains(w, "8.8.8.8 is in none of the fabric's pools") {
		t.Errorf("warnings: %s", w)
	}
	a.hook("release", refused)
	must(t, "ip", "link", "del", "q1_net0")

	// The agent is away. It learns of the domain when it comes back.
	a.stop(syscall.SIGTERM)
	a.hook("prepare", labDomain)
	qemu := a.startQEMU(labDomain)
	a.hook("started", labDomain)
	must(t, "ip", "link", "add", "up0", "up", "type", "veth", "peer", "name", "up0-far")
	must(t, "ip", "link", "set", "up0-far", "up")
	must(t, "ip", "addr", "add", "192.0.2.1/24", "dev", "up0")
	must(t, "ip", "route", "add", "203.0.113.1", "via", "192.0.2.2", "proto", "bgp", "metric", "20")
	a.start()
	if got := routes(t); got != route {
		t.Errorf("once the agent is there: %q", got)
	}
	if w := strings.Join(a.status().Warnings, "; "); !strings.Contains(w, "another node announced 203.0.113.1 (by way of 192.0.2.2)") {
		t.Errorf("warnings: %s", w)
	}
	must(t, "ip", "route", "del", "203.0.113.1", "proto", "bgp") // as FRR does once it has the agent's

	// The agent hangs while the domain is destroyed and started anew.
	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	qemu.Close()
	a.hook("stopped", labDomain)
	a.hook("release", labDomain)
	a.hook("prepare", labDomain)
	qemu = a.startQEMU(labDomain)
	a.hook("started", labDomain)
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	a.settled()
	if got := routes(t); got != route {
		t.Errorf("once the agent goes on: %q\n%s", got, a.log)
	}

	// It is shut down: its address is still its own.
	write(t, filepath.Join(a.dir, "defined", "q1.xml"), labDomain)
	qemu.Close()
	if err := os.Remove(filepath.Join(a.dir, "running", "q1.xml")); err != nil {
		t.Fatal(err)
	}
	a.hook("stopped", labDomain)
	if got := routes(t); got != "" {
		t.Errorf("it is off: %q", got)
	}
	a.refuses("203.0.113.1 is VM q1's, which is off", "vm", "add", "new", "--ip", "203.0.113.1")
	if list := a.do("vm", "list"); !strings.Contains(list, "off") {
		t.Errorf("it is not listed:\n%s", list)
	}
	if s := a.status(); s.VMs.Off != 1 || !s.Healthy {
		t.Errorf("status: %+v", s)
	}
}
