package engine

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/inventory/vm"
)

var ctx = context.Background()

func (n *node) wantRoutes(t *testing.T, when string, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, n.kernel.announced()); diff != "" {
		t.Errorf("%s (-want +got)\n%s", when, diff)
	}
}

// The host's uplink in a container is a veth, as a VM's interface may be.
func TestTheHostsOwnInterfaceIsRefused(t *testing.T) {
	n := newNode(t)
	uplink := dataplane.Link{Index: 2, Name: "host0", Kind: "veth", Up: true, MAC: "02:aa:00:00:00:01", Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.21/24"), netip.MustParsePrefix("fe80::1234/64")}}
	have := uplink
	n.kernel.links["host0"] = &have
	_, _, err := n.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Interface: "host0", Link: vm.Existing})
	if err == nil || !strings.Contains(err.Error(), "10.0.0.21/24") {
		t.Errorf("got %v", err)
	}
	if len(n.Store.All()) != 0 || len(n.firewall.entries) != 0 {
		t.Errorf("stored %v, filtered %v", n.Store.All(), n.firewall.entries)
	}
	if diff := cmp.Diff(&uplink, n.kernel.links["host0"], cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("it was touched (-want +got)\n%s", diff)
	}
}

func TestAddAndRemove(t *testing.T) {
	n := newNode(t)
	got, created, err := n.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), IPv6: netip.MustParseAddr("2001:db8:100::1")})
	if err != nil || !created || !got.Announced || got.Interface != "a_net0" {
		t.Errorf("got %+v, %v, %v", got, created, err)
	}
	n.wantRoutes(t, "added", "2001:db8:100::1/128 live", "203.0.113.1/32 live")
	for _, e := range []firewall.Entry{{Device: "a_net0"}, {Device: "a_net0", Addr: netip.MustParseAddr("203.0.113.1")}} {
		if !n.firewall.entries[e] {
			t.Errorf("%v is not allowed", e)
		}
	}
	if err := n.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "removed")
	if len(n.kernel.links) != 0 || len(n.firewall.entries) != 0 {
		t.Errorf("left behind: %v, %v", n.kernel.links, n.firewall.entries)
	}
}

func TestASecondLookChangesNothing(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "a_vm_with_a_long_name", "203.0.113.2")
	before := len(n.kernel.done)
	if err := n.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	if got := n.kernel.done[before:]; len(got) != 0 {
		t.Errorf("it did %v", got)
	}
}

func TestWhatIsRefused(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	addr := netip.MustParseAddr
	tests := []struct {
		vm   vm.VM
		code vm.Code
		want string
	}{
		{vm.VM{Name: "b", IPv4: addr("203.0.113.1")}, vm.Conflict, "VM b: 203.0.113.1 is VM a's"},
		{vm.VM{Name: "b", IPv4: addr("203.0.113.2"), Interface: "a_net0"}, vm.Conflict, "VM b: interface a_net0 is VM a's"},
		{vm.VM{Name: "a", IPv4: addr("203.0.113.2")}, vm.Conflict, "VM a is on this node already, with 203.0.113.1 on interface a_net0, wanted by api"},
		{vm.VM{Name: "b", IPv4: addr("198.51.100.1")}, vm.Invalid, "VM b: 198.51.100.1 is in none of the fabric's pools"},
		{vm.VM{Name: "b", IPv4: addr("10.0.0.1")}, vm.Invalid, "VM b: 10.0.0.1 is the gateway of all VMs"},
		{vm.VM{Name: "b", IPv4: addr("203.0.113.2"), MAC: vm.MAC{2, 0, 0, 0, 0, 1}}, vm.Invalid, "VM b: 02:00:00:00:00:01 is the MAC address of the gateway of all VMs"},
		{vm.VM{Name: "b"}, vm.Invalid, "VM b: it has neither an IPv4 nor an IPv6 address"},
		{vm.VM{Name: "../b", IPv4: addr("203.0.113.2")}, vm.Invalid, `VM name "../b": it must begin with a letter or a digit`},
	}
	for _, tt := range tests {
		_, _, err := n.Add(ctx, tt.vm)
		var refused *vm.Error
		if !errors.As(err, &refused) || refused.Code != tt.code || refused.Msg != tt.want {
			t.Errorf("%+v: got %v, want %s %s", tt.vm, err, tt.code, tt.want)
		}
	}
	n.wantRoutes(t, "after all", "203.0.113.1/32 live")
	if _, created, err := n.Add(ctx, vm.VM{Name: "a", IPv4: addr("203.0.113.1")}); created || err != nil {
		t.Errorf("the same VM again: %v, %v", created, err)
	}
}

func TestTwoAddsOfOneNameAtOnce(t *testing.T) {
	n := newNode(t)
	results := make(chan error, 2)
	for _, ip := range []string{"203.0.113.1", "203.0.113.2"} {
		go func() {
			_, _, err := n.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr(ip)})
			results <- err
		}()
	}
	first, second := <-results, <-results
	if (first == nil) == (second == nil) {
		t.Errorf("got %v and %v, want one of them refused", first, second)
	}
	if got := n.kernel.announced(); len(got) != 1 {
		t.Errorf("announced: %v", got)
	}
}

func TestDrainHoldsAcrossARestart(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	if err := n.Drain(ctx, true); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	n.mustAdd(t, "b", "203.0.113.2")
	n.wantRoutes(t, "drained")
	if err := n.Drain(ctx, false); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "no longer drained", "203.0.113.1/32 live", "203.0.113.2/32 live")
}

func TestACorruptFileLeavesItsVMAsItIs(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	file := filepath.Join(n.dir, "vms.d", "a.json")
	if err := os.Truncate(file, 10); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	n.wantRoutes(t, "after a restart", "203.0.113.1/32 live", "203.0.113.2/32 live")
	if !n.firewall.entries[firewall.Entry{Device: "a_net0", Addr: netip.MustParseAddr("203.0.113.1")}] {
		t.Error("the VM's packets are dropped")
	}
	s := n.Status(ctx)
	if s.Healthy || !strings.Contains(strings.Join(s.Problems, "\n"), "VM a: its file cannot be used: "+file) {
		t.Errorf("problems: %q", s.Problems)
	}
	if err := n.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "removed", "203.0.113.2/32 live")
	if s := n.Status(ctx); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
}

func TestOneVMsFailureIsItsOwn(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "b", "203.0.113.2")
	n.kernel.fail["a_net0: set up"] = errors.New("no such luck")
	got, _, err := n.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1")})
	if err != nil || !strings.Contains(got.Problem, "no such luck") || got.Announced {
		t.Errorf("got %+v, %v", got, err)
	}
	n.wantRoutes(t, "a fails", "203.0.113.2/32 live")
	if s := n.Status(ctx); s.Healthy || len(s.Problems) != 1 {
		t.Errorf("problems: %q", s.Problems)
	}
	if !n.failing() {
		t.Error("it is not tried again")
	}
	clear(n.kernel.fail)
	if err := n.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "a works", "203.0.113.1/32 live", "203.0.113.2/32 live")
	if s := n.Status(ctx); !s.Healthy || n.failing() {
		t.Errorf("problems: %q", s.Problems)
	}
}

func TestNothingIsSetUpWithoutTheRules(t *testing.T) {
	n := newNode(t)
	n.firewall.err = errors.New("nftables: operation not supported")
	n.mustAdd(t, "a", "203.0.113.1")
	n.wantRoutes(t, "no rules")
	if s := n.Status(ctx); s.Healthy || !strings.Contains(s.Problems[0], "VMs cannot be kept from spoofing") {
		t.Errorf("problems: %q", s.Problems)
	}
}

func TestStatus(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.now = n.now.Add(90 * time.Second)
	s := n.Status(ctx)
	if !s.Healthy || s.UptimeSec != 90 || s.VMs != (vm.VMCounts{Wanted: 1, Present: 1, Announced: 1}) || s.Routes != 1 {
		t.Errorf("got %+v", s)
	}
	if len(s.FRR.Sessions) != 2 || s.FRR.Sessions[1].Established || len(s.Warnings) > 0 {
		t.Errorf("got sessions %+v, warnings %q", s.FRR.Sessions, s.Warnings)
	}
	if s.Dropped.VMs["a"] != 3 || s.Dropped.Reasons["spoofed"] != 3 {
		t.Errorf("got %+v", s.Dropped)
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	now := time.Unix(0, 0)
	var tries []int
	for second := range 130 {
		if b.due(true, now.Add(time.Duration(second)*time.Second)) {
			tries = append(tries, second)
		}
	}
	if diff := cmp.Diff([]int{1, 3, 7, 15, 31, 63, 123}, tries); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if b.due(false, now) || b.due(true, now) {
		t.Error("it is tried at once after it has worked")
	}
}

// Only a person who edits the files can bring this about.
func TestTwoFilesThatCannotBothBe(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	file := filepath.Join(n.dir, "vms.d", "b.json")
	if err := os.WriteFile(file, []byte(`{"name":"b","ip":"203.0.113.1"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "b's stays as it was", "203.0.113.1/32 live", "203.0.113.2/32 live")
	if s := n.Status(ctx); s.Healthy || !strings.HasPrefix(s.Problems[0], "VM b: 203.0.113.1 is VM a's") {
		t.Errorf("problems: %q", s.Problems)
	}
	if err := n.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "b has it now", "203.0.113.1/32 live")
	if s := n.Status(ctx); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
}
