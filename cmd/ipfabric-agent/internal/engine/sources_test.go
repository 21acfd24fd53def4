package engine

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

func TestAnInterfaceIsTakenUpWhenItAppears(t *testing.T) {
	n := newNode(t)
	if _, _, err := n.Add(ctx, vm.VM{Name: "web", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Existing}); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "no interface")
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.Run(running) }()
	n.kernel.mu.Lock()
	n.kernel.add("web_net0", "veth")
	n.kernel.mu.Unlock()
	n.Changed(kernel.Event{Device: "web_net0", Index: 1})
	n.Changed(kernel.Event{Device: "eno1", Index: 99}) // none of ours
	eventually(t, "the route is there", func() bool { return len(n.kernel.announced()) == 1 })
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLiveMigration(t *testing.T) {
	n := newNode(t)
	v := vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Phase: vm.Waiting}
	if _, _, err := n.Add(ctx, v); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "the guest is still paused")
	n.guests <- struct{}{}
	eventually(t, "it is announced", func() bool { return len(n.kernel.announced()) == 1 })
	n.wantRoutes(t, "the guest runs", "203.0.113.1/32 migrating")
	if got := n.settle(); len(got) != 0 {
		t.Errorf("it has settled at once: %v", got)
	}
	n.boot(t) // neither does a restart change that
	n.wantRoutes(t, "after a restart", "203.0.113.1/32 migrating")
	n.now = n.now.Add(settleAfter)
	if err := n.sync(ctx, places{names: n.settle()}); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "it has settled", "203.0.113.1/32 live")
}

func TestAVMThatIsToldToBePreferredStaysSo(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	if _, err := n.SetPhase(ctx, "a", vm.Migrating); err != nil {
		t.Fatal(err)
	}
	n.now = n.now.Add(time.Hour)
	if got := n.settle(); len(got) != 0 {
		t.Errorf("settled: %v", got)
	}
	n.wantRoutes(t, "an hour later", "203.0.113.1/32 migrating")
	if _, err := n.SetPhase(ctx, "a", "gone"); err == nil {
		t.Error("any phase is taken")
	}
}

func domain(op, extra string, v *vm.VM) libvirt.Event {
	return libvirt.Event{Guest: "a", Op: op, Sub: "begin", Extra: extra, VM: v}
}

func TestLibvirtStartsAndStops(t *testing.T) {
	n := newNode(t)
	meta := &vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Tap}
	steps := []struct {
		ev   libvirt.Event
		want []string
	}{
		{domain("prepare", "-", nil), nil}, // not the fabric's
		{domain("prepare", "-", meta), []string{"203.0.113.1/32 live"}},
		{domain("started", "-", meta), []string{"203.0.113.1/32 live"}},
		{domain("stopped", "-", meta), nil},
		{domain("release", "-", meta), nil},
		{domain("migrate", "-", meta), nil}, // from here on it arrives
		{domain("prepare", "-", meta), nil},
		{domain("started", "-", meta), nil},
	}
	for _, s := range steps {
		if err := n.Domain(ctx, s.ev); err != nil {
			t.Errorf("%s: %v", s.ev.Op, err)
		}
		n.wantRoutes(t, s.ev.Op, s.want...)
	}
	n.guests <- struct{}{}
	eventually(t, "it is announced", func() bool { return len(n.kernel.announced()) == 1 })
	if err := n.Domain(ctx, libvirt.Event{Guest: "../x", Op: "prepare", VM: meta}); err != nil {
		t.Errorf("a domain with a name that no VM can have: %v", err)
	}
}

func TestLibvirtMovesAVMThatSomebodyElseAdded(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	other := &vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.99")}
	for _, op := range []string{"prepare", "started", "stopped"} {
		if err := n.Domain(ctx, domain(op, "-", other)); err != nil {
			t.Fatal(err)
		}
		n.wantRoutes(t, op, "203.0.113.1/32 live")
	}
	if err := n.Domain(ctx, domain("release", "-", nil)); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "it has left")
	n.guests <- struct{}{}
	eventually(t, "it is back", func() bool { return len(n.kernel.announced()) == 1 })
}

func TestASourcesListIsWhatCounts(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "mine", "203.0.113.50")
	web := vm.VM{Name: "web", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Existing}
	db := vm.VM{Name: "db", IPv4: netip.MustParseAddr("203.0.113.2"), Link: vm.Existing}
	n.kernel.add("web_net0", "veth")
	n.kernel.add("db_net0", "veth")
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web, db}, nil); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "both", "203.0.113.1/32 live", "203.0.113.2/32 live", "203.0.113.50/32 live")
	before := len(n.kernel.done)
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web, db}, nil); err != nil || len(n.kernel.done) != before {
		t.Errorf("the same again: %v, %v", err, n.kernel.done[before:])
	}
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web}, map[string]error{"db": errors.New("typo")}); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "db cannot be understood", "203.0.113.1/32 live", "203.0.113.2/32 live", "203.0.113.50/32 live")
	web.IPv4 = netip.MustParseAddr("203.0.113.3")
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web}, nil); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "db is gone, web has another address", "203.0.113.3/32 live", "203.0.113.50/32 live")
	if n.kernel.links["db_net0"].Up {
		t.Error("db's interface is still up")
	}
	bad := vm.VM{Name: "bad", IPv4: netip.MustParseAddr("203.0.113.50"), Link: vm.Existing}
	err := n.SetSource(ctx, vm.LXD, []vm.VM{bad, web}, nil)
	if err == nil || !strings.Contains(err.Error(), "203.0.113.50 is VM mine's") {
		t.Errorf("got %v", err)
	}
	n.wantRoutes(t, "one of them is refused", "203.0.113.3/32 live", "203.0.113.50/32 live")
}
