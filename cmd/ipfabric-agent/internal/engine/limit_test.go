package engine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

func TestAVMTooMany(t *testing.T) {
	n := newNode(t)
	n.Config.MaxPrefixes = 3
	for i := 1; i <= 2; i++ {
		n.mustAdd(t, fmt.Sprintf("vm%d", i), fmt.Sprintf("203.0.113.%d", i))
	}
	if s := n.Status(ctx); len(s.Findings) > 0 {
		t.Errorf("2 of 3: %+v", s.Findings)
	}
	n.mustAdd(t, "vm3", "203.0.113.3")
	s := n.Status(ctx)
	if len(s.Findings) != 1 || s.Findings[0].Code != vm.MaxPrefixes || s.Findings[0].Level != vm.IsWarning || !s.Healthy ||
		!strings.Contains(s.Findings[0].String(), "has 3 VMs with an IPv4 address, and the route reflectors accept 3") {
		t.Errorf("3 of 3: %+v", s)
	}
	refused := func(what string, err error) {
		t.Helper()
		if e := vm.ErrorOf(err, vm.Internal); e.Code != vm.TooMany || !strings.Contains(e.Msg, "has 3 VMs with an IPv4 address") || !strings.Contains(e.Next, "max_prefixes below bgp: in the inventory (it is 3)") {
			t.Errorf("%s: %+v", what, e)
		}
	}
	add := func(v vm.VM) error { _, _, err := n.Add(ctx, v); return err }
	ip := netip.MustParseAddr
	refused("one more", add(vm.VM{Name: "vm4", IPv4: ip("203.0.113.4")}))
	refused("one that arrives", add(vm.VM{Name: "vm4", IPv4: ip("203.0.113.4"), Phase: vm.Waiting}))
	refused("LXD's", n.SetSource(ctx, vm.LXD, []vm.VM{{Name: "vm5", IPv4: ip("203.0.113.5"), Link: vm.Existing}}, nil))
	if err := n.Domain(ctx, domain("prepare", "-", &vm.VM{Name: "vm6", IPv4: ip("203.0.113.6"), Link: vm.Tap})); err == nil {
		t.Error("libvirt's is taken up")
	}
	n.Running = func() []libvirt.Domain {
		return []libvirt.Domain{{Name: "vm7", Runs: true, VM: &vm.VM{Name: "vm7", IPv4: ip("203.0.113.7"), Link: vm.Tap}}}
	}
	n.Learn(ctx)
	if got := strings.Join(n.Status(ctx).Warnings, "; "); !strings.Contains(got, "libvirt: domain vm7 cannot be used: VM vm7: this node has 3 VMs") {
		t.Errorf("of a domain that runs: %s", got)
	}
	n.wantRoutes(t, "none was added", "203.0.113.1/32 live", "203.0.113.2/32 live", "203.0.113.3/32 live")

	// A family has a limit of its own, and a withdrawn VM counts when it comes back.
	if err := add(vm.VM{Name: "six", IPv6: ip("2001:db8:100::6")}); err != nil {
		t.Error(err)
	}
	if _, err := n.SetPhase(ctx, "vm1", vm.Migrating); err != nil {
		t.Error(err)
	}
	if _, err := n.SetPhase(ctx, "vm3", vm.Withdrawn); err != nil {
		t.Error(err)
	}
	if err := add(vm.VM{Name: "vm4", IPv4: ip("203.0.113.4")}); err != nil {
		t.Error(err)
	}
	_, err := n.SetPhase(ctx, "vm3", vm.Live)
	refused("it is announced again", err)
}

// A smaller limit takes nothing from VMs that are announced; after a boot only as
// many are as the reflectors accept.
func TestASmallerLimit(t *testing.T) {
	n := newNode(t)
	for i := 1; i <= 3; i++ {
		n.mustAdd(t, fmt.Sprintf("vm%d", i), fmt.Sprintf("203.0.113.%d", i))
	}
	all := []string{"203.0.113.1/32 live", "203.0.113.2/32 live", "203.0.113.3/32 live"}
	limit := func(max int, boot func(*testing.T)) {
		n.limit = max
		boot(t)
	}
	limit(2, n.boot)
	n.wantRoutes(t, "a smaller limit", all...)
	if s := n.Status(ctx); s.Healthy || s.Findings[0].Code != vm.MaxPrefixes || s.Findings[0].Level != vm.IsProblem {
		t.Errorf("nobody is told: %+v", s)
	}
	limit(2, n.reboot)
	n.Sessions = sessionsUp(100, 100)
	n.resolved(t)
	n.wantRoutes(t, "booted", all[:2]...)
	if v, _ := n.VM(ctx, "vm3"); v.Announced || !strings.Contains(v.Unannounced, "VM number 3 with an IPv4 address") {
		t.Errorf("got %+v", v)
	}
	if err := n.Remove(ctx, "vm1"); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "there is room", all[1:]...)
}
