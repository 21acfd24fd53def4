package engine

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

func (n *node) reconcile(t *testing.T) {
	t.Helper()
	if err := n.Reconcile(ctx); err != nil {
		t.Fatal(err)
	}
}

// damage makes a VM's file unusable.
func (n *node) damage(t *testing.T, name string) {
	t.Helper()
	if err := os.Truncate(filepath.Join(n.dir, "vms.d", name+".json"), 10); err != nil {
		t.Fatal(err)
	}
	n.reconcile(t)
}

func (n *node) problems() string { return strings.Join(n.Status(ctx).Problems, "\n") }

// Nothing says that a missing folder means no VMs.
func TestTheFolderIsMissingAtTheStart(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	folder, away := filepath.Join(n.dir, "vms.d"), filepath.Join(n.dir, "away")
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	n.reconcile(t)
	n.wantRoutes(t, "held", "203.0.113.1/32 live", "203.0.113.2/32 live")
	if len(n.kernel.links) != 2 || !n.firewall.entries[firewall.Entry{Device: "a_net0", Addr: netip.MustParseAddr("203.0.113.1")}] {
		t.Errorf("links %v, filtered %v", n.kernel.links, n.firewall.entries)
	}
	if got := n.problems(); !strings.Contains(got, folder+": all VMs stay as they are; put it back, or to remove all VMs, make an empty one") {
		t.Errorf("problems: %s", got)
	}
	list := n.VMs(ctx)
	if len(list) != 2 || list[0].FileError == "" || list[0].IPv4 != netip.MustParseAddr("203.0.113.1") {
		t.Errorf("got %+v", list)
	}
	if _, _, err := n.Add(ctx, vm.VM{Name: "c", IPv4: netip.MustParseAddr("203.0.113.3")}); err == nil {
		t.Error("a VM is added to a folder that is missing")
	}
	if err := os.Rename(away, folder); err != nil {
		t.Fatal(err)
	}
	n.reconcile(t)
	if s := n.Status(ctx); !s.Healthy || s.VMs.Announced != 2 {
		t.Errorf("it is back: %+v", s)
	}
	// An empty one lets go.
	if err := os.Rename(folder, away); err != nil {
		t.Fatal(err)
	}
	n.boot(t)
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	n.reconcile(t)
	n.wantRoutes(t, "let go")
	if s := n.Status(ctx); !s.Healthy || len(n.kernel.links) != 0 {
		t.Errorf("let go: %q, %v", s.Problems, n.kernel.links)
	}
}

func TestAFirstStartMakesTheFolder(t *testing.T) {
	n := newNode(t)
	if s := n.Status(ctx); !s.Healthy {
		t.Errorf("problems: %q", s.Problems)
	}
	n.mustAdd(t, "a", "203.0.113.1")
}

func TestAVMWithADamagedFileKeepsItsAddresses(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.damage(t, "a")
	_, _, err := n.Add(ctx, vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.9")})
	if err == nil || !strings.Contains(err.Error(), "VM a is on this node already, with 203.0.113.1") {
		t.Errorf("got %v", err)
	}
	_, _, err = n.Add(ctx, vm.VM{Name: "b", IPv4: netip.MustParseAddr("203.0.113.1")})
	if err == nil || !strings.Contains(err.Error(), "203.0.113.1 is VM a's") {
		t.Errorf("got %v", err)
	}
	n.wantRoutes(t, "refused", "203.0.113.1/32 live")
	n.mustAdd(t, "a", "203.0.113.1")
	if err := n.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	n.mustAdd(t, "b", "203.0.113.1")
	n.wantRoutes(t, "b has it now", "203.0.113.1/32 live")
}

func TestADrainWithdrawsAVMWithADamagedFile(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	n.damage(t, "a")
	for range 2 {
		if err := n.Drain(ctx, true); err != nil {
			t.Fatal(err)
		}
		n.wantRoutes(t, "drained")
	}
	n.boot(t)
	n.wantRoutes(t, "drained, after a restart")
	if !n.firewall.entries[firewall.Entry{Device: "a_net0", Addr: netip.MustParseAddr("203.0.113.1")}] {
		t.Error("the VM's packets are dropped")
	}
	if list := n.VMs(ctx); list[0].IPv4 != netip.MustParseAddr("203.0.113.1") || list[0].Announced {
		t.Errorf("got %+v", list[0])
	}
	if err := n.Drain(ctx, false); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "no longer drained", "203.0.113.1/32 live", "203.0.113.2/32 live")
	if got := n.Store.Withheld(); len(got) != 0 {
		t.Errorf("still withheld: %v", got)
	}
}

// The kernel tells of a route that replaces another only by the new one.
func TestARouteToAVMIsLookedAtWhoseverItIs(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	n.pending.take()
	n.Changed(kernel.Event{Index: n.kernel.links["b_net0"].Index, Addr: netip.MustParseAddr("203.0.113.1")})
	if got := n.pending.take(); !got.names["a"] || !got.names["b"] {
		t.Errorf("it looks at %v", got.names)
	}
	n.Changed(kernel.Event{Addr: netip.MustParseAddr("203.0.113.77")})
	if got := n.pending.take(); len(got.names) > 0 || got.all {
		t.Errorf("it looks at %+v", got)
	}
}

func TestSomebodysBetterRouteIsTold(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.kernel.astray = map[netip.Addr]string{netip.MustParseAddr("203.0.113.1"): "a blackhole route drops what is for it"}
	n.reconcile(t)
	if got := n.problems(); got != "VM a: a blackhole route drops what is for it" {
		t.Errorf("problems: %s", got)
	}
	n.kernel.astray = nil
	n.reconcile(t)
	if got := n.problems(); got != "" {
		t.Errorf("problems: %s", got)
	}
}

func TestATapThatLostItsMarkIsStillTheAgents(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	for _, alias := range []string{"", "mine", "ipfabric:taken:a"} {
		n.kernel.links["a_net0"].Alias = alias
		n.reconcile(t)
		if got := n.kernel.links["a_net0"].Alias; got != "ipfabric:made:a" {
			t.Errorf("%q became %q", alias, got)
		}
	}
}
