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

func TestLabApplyTwice(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	must(t, "ip", "link", "add", "web_net0", "type", "veth", "peer", "name", "web_peer")
	must(t, "ip", "link", "set", "web_peer", "addrgenmode", "none") // or its own address is tentative for a while
	must(t, "ip", "link", "set", "web_peer", "up")
	a.do("vm", "add", "sea_gold", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1", "--mac", "52:54:00:00:00:01", "--owner", "nobody")
	a.do("vm", "add", "a.vm-with_a.long-name", "--ip", "203.0.113.2")
	a.do("vm", "add", "six", "--ip6", "2001:db8:100::3")
	a.do("vm", "add", "web", "--ip", "203.0.113.4", "--link", "existing")
	want := `203.0.113.1 dev sea_gold_net0 metric 1024
203.0.113.2 dev a.~` + strings.Repeat("?", 7) + `_net0 metric 1024
203.0.113.4 dev web_net0 metric 1024
2001:db8:100::1 dev sea_gold_net0 metric 1024
2001:db8:100::3 dev six_net0 metric 1024`
	if diff := cmp.Diff(want, maskHash(routes(t))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if out := must(t, "ip", "link", "show", "a.vm-with_a.long-name_net0"); !strings.Contains(out, "altname") {
		t.Errorf("the full name is no alternative name: %s", out)
	}
	if out := must(t, "ip", "-d", "link", "show", "sea_gold_net0"); !strings.Contains(out, "user nobody") || !strings.Contains(out, "persist on") {
		t.Errorf("QEMU cannot open the tap: %s", out)
	}
	changes := a.settled()
	before := kernelState(t)
	a.do("reconcile")
	a.do("vm", "add", "six", "--ip6", "2001:db8:100::3")
	if got := a.settled(); got != changes {
		t.Errorf("a second look made %d changes", got-changes)
	}
	a.stop(syscall.SIGTERM)
	a.start()
	if got := a.settled(); got != 0 {
		t.Errorf("the look after a restart made %d changes:\n%s", got, a.log)
	}
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("(-before +after)\n%s", diff)
	}
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
}

// maskHash blanks the hash in shortened interface names.
func maskHash(s string) string {
	for {
		i := strings.Index(s, "~")
		if i < 0 || strings.HasPrefix(s[i+1:], "?") {
			return s
		}
		s = s[:i+1] + strings.Repeat("?", 7) + s[i+8:]
	}
}

func TestLabWhateverIsChangedComesBack(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.do("vm", "add", "sea_gold", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1", "--mac", "52:54:00:00:00:01")
	a.do("vm", "add", "b", "--ip", "203.0.113.2")
	must(t, "ip", "link", "add", "host0", "type", "veth", "peer", "name", "far0")
	for _, device := range []string{"host0", "far0"} {
		must(t, "ip", "link", "set", device, "addrgenmode", "none", "up")
	}
	must(t, "ip", "addr", "add", "192.0.2.1/24", "dev", "host0")
	a.settled()
	index := func(s string) string { // a new interface has a new index
		var lines []string
		for _, l := range strings.Split(s, "\n") {
			if n, rest, ok := strings.Cut(l, ": "); ok && strings.Trim(n, "0123456789") == "" {
				l = rest
			}
			lines = append(lines, l)
		}
		return strings.Join(lines, "\n")
	}
	tests := []struct {
		name string
		do   [][]string
	}{
		{"route", [][]string{{"ip", "route", "del", "203.0.113.1"}, {"ip", "-6", "route", "del", "2001:db8:100::1"}}},
		{"address", [][]string{{"ip", "addr", "flush", "dev", "sea_gold_net0"}}},
		{"foreign address", [][]string{{"ip", "addr", "add", "192.0.2.1/24", "dev", "sea_gold_net0"}}},
		{"neighbor", [][]string{{"ip", "neigh", "del", "203.0.113.1", "dev", "sea_gold_net0"}}},
		{"down and up", [][]string{{"ip", "link", "set", "sea_gold_net0", "down"}, {"ip", "link", "set", "sea_gold_net0", "up"}}},
		{"down", [][]string{{"ip", "link", "set", "sea_gold_net0", "down"}}},
		{"a route over another VM's interface", [][]string{{"ip", "route", "replace", "203.0.113.1/32", "dev", "b_net0", "proto", "201", "metric", "1024"}}},
		{"a route elsewhere", [][]string{{"ip", "route", "replace", "203.0.113.1/32", "via", "192.0.2.2", "dev", "host0", "metric", "1024"}}},
		{"a route elsewhere, of the agent's number", [][]string{{"ip", "-6", "route", "replace", "2001:db8:100::1/128", "dev", "host0", "proto", "201", "metric", "1024"}}},
		{"arp", [][]string{{"ip", "link", "set", "sea_gold_net0", "arp", "off"}}},
		{"mtu", [][]string{{"ip", "link", "set", "sea_gold_net0", "mtu", "1000"}}},
		{"alias", [][]string{{"ip", "link", "set", "sea_gold_net0", "alias", "mine"}}},
		{"mac", [][]string{{"ip", "link", "set", "sea_gold_net0", "address", "02:00:00:00:00:99"}}},
		{"all rules", [][]string{{"nft", "flush", "ruleset"}}},
		{"one rule chain", [][]string{{"nft", "flush", "chain", "inet", "ipfabric", "prerouting"}}},
		{"an element", [][]string{{"nft", "delete", "element", "inet", "ipfabric", "vms", "{ sea_gold_net0 }"}}},
		{"a foreign rule", [][]string{{"nft", "add", "rule", "inet", "ipfabric", "input", "accept"}}},
		{"stray route", [][]string{{"ip", "route", "add", "blackhole", "203.0.113.99", "proto", "201"}}},
		{"a foreign element", [][]string{{"nft", "add", "element", "inet", "ipfabric", "sources4", "{ sea_gold_net0 . 192.0.2.1 }"}}},
		{"a foreign chain", [][]string{{"nft", "add", "chain", "inet", "ipfabric", "foreign"}}},
		{"rp_filter", [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/sea_gold_net0/rp_filter"}}},
		{"proxy_arp", [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/sea_gold_net0/proxy_arp"}}},
		{"forwarding", [][]string{{"sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/sea_gold_net0/forwarding"}}},
	}
	before := kernelState(t) + sysctls(t, "sea_gold_net0")
	for _, tt := range tests {
		for _, c := range tt.do {
			must(t, c...)
		}
		a.settled()
		got := kernelState(t) + sysctls(t, "sea_gold_net0")
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("%s did not come back (-before +after)\n%s", tt.name, diff)
			before = got
		}
	}
	// Of these the kernel does not tell; the next full pass finds them.
	must(t, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/sea_gold_net0/accept_ra")
	a.do("reconcile")
	if diff := cmp.Diff(before, kernelState(t)+sysctls(t, "sea_gold_net0")); diff != "" {
		t.Errorf("accept_ra did not come back (-before +after)\n%s", diff)
	}
	// While no agent runs, an interface that loses its mark becomes one that was
	// found: it is taken up, but will not be deleted.
	a.stop(syscall.SIGTERM)
	must(t, "ip", "link", "set", "sea_gold_net0", "alias", "")
	a.start()
	a.settled()
	if out := must(t, "ip", "link", "show", "sea_gold_net0"); !strings.Contains(out, "alias ipfabric:taken:sea_gold") {
		t.Errorf("it has no mark: %s", out)
	}
	// Last, since a new interface is at another place in every list.
	want := routes(t)
	must(t, "ip", "link", "del", "b_net0")
	a.settled()
	if diff := cmp.Diff(index(want), index(routes(t))); diff != "" {
		t.Errorf("a deleted interface did not come back (-before +after)\n%s", diff)
	}
}

func TestLabStoppingWithdrawsNothing(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.do("vm", "add", "sea_gold", "--ip", "203.0.113.1", "--ip6", "2001:db8:100::1")
	a.settled()
	before := kernelState(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		a.stop(sig)
		if diff := cmp.Diff(before, kernelState(t)); diff != "" {
			t.Errorf("%v (-before +after)\n%s", sig, diff)
		}
		a.start()
		if diff := cmp.Diff(before, kernelState(t)); diff != "" {
			t.Errorf("after a start (-before +after)\n%s", diff)
		}
	}
	a.do("drain")
	a.stop(syscall.SIGKILL)
	a.start()
	if got := routes(t); got != "" {
		t.Errorf("drained: %s", got)
	}
	if s := a.status(); !s.Drained || len(s.Warnings) == 0 {
		t.Errorf("the status does not say that the node is drained: %+v", s)
	}
	a.do("undrain")
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("no longer drained (-before +after)\n%s", diff)
	}
	a.do("vm", "remove", "sea_gold")
	if got := routes(t); got != "" {
		t.Errorf("removed: %s", got)
	}
	a.refuses(`there is no VM "sea_gold" on this node`, "vm", "remove", "sea_gold")
	a.do("vm", "remove", "--missing-ok", "sea_gold")
}

func TestLabAFullDiskAndACorruptFile(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.do("vm", "add", "a", "--ip", "203.0.113.1")
	a.stop(syscall.SIGTERM)
	state := filepath.Join(a.dir, "state")
	must(t, "mount", "-t", "tmpfs", "-o", "size=64k", "none", state)
	t.Cleanup(func() { must(t, "umount", state) })
	must(t, "mkdir", filepath.Join(state, "vms.d"))
	a.start()
	a.do("vm", "add", "a", "--ip", "203.0.113.1")
	sh("dd", "if=/dev/zero", "of="+filepath.Join(state, "full"), "bs=1k") // ends when the disk is full
	before := kernelState(t)
	a.refuses("no space left on device\nhint: make room on the disk", "vm", "add", "b", "--ip", "203.0.113.2")
	if s := a.status(); s.StateWritable || len(s.Problems) != 1 || !strings.Contains(s.Problems[0], "VMs can neither be added nor changed") {
		t.Errorf("the status does not tell of the disk: %q", s.Problems)
	}
	if diff := cmp.Diff(before, kernelState(t)); diff != "" {
		t.Errorf("a full disk (-before +after)\n%s", diff)
	}
	if out := a.do("vm", "list"); strings.Contains(out, "203.0.113.2") {
		t.Errorf("the VM is there all the same: %s", out)
	}
	if err := os.Remove(filepath.Join(state, "full")); err != nil {
		t.Fatal(err)
	}
	a.do("vm", "add", "b", "--ip", "203.0.113.2")
	a.do("reconcile")
	if s := a.status(); !s.StateWritable || !s.Healthy {
		t.Errorf("there is room again, but: %q", s.Problems)
	}

	if err := os.Truncate(filepath.Join(state, "vms.d", "a.json"), 20); err != nil {
		t.Fatal(err)
	}
	before = routes(t)
	a.do("reconcile")
	a.stop(syscall.SIGTERM)
	a.start()
	if diff := cmp.Diff(before, routes(t)); diff != "" {
		t.Errorf("a corrupt file (-before +after)\n%s", diff)
	}
	s := a.status()
	if s.Healthy || !strings.Contains(s.Problems[0], "VM a: its file cannot be used") {
		t.Errorf("problems: %q", s.Problems)
	}
	if out := a.do("vm", "list", "--json"); !strings.Contains(out, `"file_error": "its file cannot be used: `) ||
		!strings.Contains(out, `"ip": "203.0.113.1"`) || !strings.Contains(out, `"interface": "a_net0"`) {
		t.Errorf("the list does not tell: %s", out)
	}
	a.do("vm", "add", "a", "--ip", "203.0.113.1")
	if s := a.status(); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
}

func TestLabTwoAgents(t *testing.T) {
	if !inNetns(t) {
		return
	}
	a := newAgent(t, "")
	a.refuses("another agent is running", "run", "--config", filepath.Join(a.dir, "agent.yaml"), "--state", filepath.Join(a.dir, "state"))
}
