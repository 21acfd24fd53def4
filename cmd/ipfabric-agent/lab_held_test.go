//go:build lab

package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLabTheFolderIsMissing(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	one, two := twoGuests(t, a)
	a.settled()
	before := kernelState(t)
	folder := filepath.Join(a.dir, "state", "vms.d")
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	a.stop(syscall.SIGTERM)
	a.start()
	a.do("reconcile")
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	if s := a.status(); s.Healthy || !strings.Contains(strings.Join(s.Problems, "\n"), "put it back") {
		t.Errorf("problems: %q", s.Problems)
	}
	if !one.pings("203.0.113.2") || !two.pings("2001:db8:100::1") {
		t.Error("they are cut off")
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	a.do("reconcile")
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("it is back (-before +after)\n%s", diff)
	}
}

func TestLabAnotherProgramsBetterRoute(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.do("vm", "add", "a", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1")
	must(t, "ip", "link", "add", "host0", "up", "type", "veth", "peer", "name", "far0")
	must(t, "ip", "link", "set", "far0", "up")
	tests := []struct {
		route []string
		want  string
	}{
		{[]string{"blackhole", "203.0.113.1"}, "a blackhole route drops what is for 203.0.113.1"},
		{[]string{"prohibit", "203.0.113.1"}, "a prohibit route refuses"},
		{[]string{"unreachable", "203.0.113.1"}, "an unreachable route refuses"},
		{[]string{"203.0.113.1", "dev", "host0", "metric", "7"}, "another route sends what is for 203.0.113.1 to host0"},
		{[]string{"blackhole", "2001:db8:100::1", "metric", "7"}, "a blackhole route drops what is for 2001:db8:100::1"},
		{[]string{"2001:db8:100::1", "dev", "host0", "metric", "7"}, "another route sends what is for 2001:db8:100::1 to host0"},
		{[]string{"203.0.113.1", "dev", "host0", "metric", "20", "proto", "bgp"}, ""},
	}
	for _, tt := range tests {
		family := "-4"
		if strings.Contains(strings.Join(tt.route, " "), "::") {
			family = "-6"
		}
		must(t, append([]string{"ip", family, "route", "add"}, tt.route...)...)
		a.settled()
		if got := strings.Join(a.status().Problems, "\n"); !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("%v: problems: %s", tt.route, got)
		}
		must(t, append([]string{"ip", family, "route", "del"}, tt.route...)...)
		a.settled()
		if s := a.status(); !s.Healthy {
			t.Errorf("%v is gone, but: %q", tt.route, s.Problems)
		}
	}
	must(t, "ip", "addr", "add", "203.0.113.1/32", "dev", "host0")
	a.do("reconcile")
	if got := strings.Join(a.status().Problems, "\n"); !strings.Contains(got, "203.0.113.1 is an address of the node itself") {
		t.Errorf("problems: %s", got)
	}
}

func TestLabADrainWithdrawsWhatIsHeld(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	twoGuests(t, a)
	a.settled()
	before := kernelState(t)
	if err := os.Truncate(filepath.Join(a.dir, "state", "vms.d", "one.json"), 20); err != nil {
		t.Fatal(err)
	}
	a.do("drain")
	if got := routes(t); got != "" {
		t.Errorf("drained: %s", got)
	}
	a.stop(syscall.SIGKILL)
	a.start()
	if got := routes(t); got != "" {
		t.Errorf("drained, after a restart: %s", got)
	}
	a.do("undrain")
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("no longer drained (-before +after)\n%s", diff)
	}
}

// Whether the node routes is not the agent's to say, but its to tell.
func TestLabTheNodeDoesNotRoute(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.do("vm", "add", "a", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1")
	for key, device := range map[string]string{"ipv4/ip_forward": "ipv4/conf/a_net0/forwarding", "ipv6/conf/all/forwarding": "ipv6/conf/a_net0/forwarding"} {
		must(t, "sh", "-c", "echo 0 >/proc/sys/net/"+key)
		a.settled()
		want := "the node does not route: net." + strings.ReplaceAll(key, "/", ".") + " is not 1"
		if s := a.status(); s.Healthy || !strings.HasPrefix(s.Problems[0], want) {
			t.Errorf("problems: %q", s.Problems)
		}
		if got := must(t, "cat", "/proc/sys/net/"+device); got != "1\n" {
			t.Errorf("%s is %s", device, got)
		}
		must(t, "sh", "-c", "echo 1 >/proc/sys/net/"+key)
	}
	a.settled()
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
}

// The MTU of an interface that another program has made is that program's to choose. The
// kernel takes IPv6 off it below 1280.
func TestLabAnMTUWithoutIPv6(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	one, two := twoGuests(t, a)
	a.settled()
	before := kernelState(t)
	must(t, "ip", "link", "set", "two_net0", "mtu", "1000")
	a.settled()
	if s := a.status(); s.Healthy || !strings.Contains(s.Problems[0], "VM two: the VM has no IPv6: the MTU of interface two_net0 is 1000") {
		t.Errorf("problems: %q", s.Problems)
	}
	if !one.pings("203.0.113.2") || !two.pings("203.0.113.1") {
		t.Error("it has no IPv4 either")
	}
	must(t, "ip", "link", "set", "two_net0", "mtu", "1500")
	a.settled()
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
	if !one.pings("2001:db8:100::2") {
		t.Errorf("IPv6 did not come back:\n%s", cmp.Diff(before, kernelState(t)))
	}
}
