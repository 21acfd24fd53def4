package engine

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/inventory/vm"
)

func TestTheAddressesOfAVMThatIsOffAreTaken(t *testing.T) {
	n := newNode(t)
	n.Defined = func() []vm.VM {
		return []vm.VM{{Name: "dom", IPv4: netip.MustParseAddr("203.0.113.7"), Phase: vm.Off, Source: vm.Libvirt, Link: vm.Existing}}
	}
	web := vm.VM{Name: "web", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Existing}
	off := web
	off.Phase = vm.Off
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web}, nil); err != nil {
		t.Fatal(err)
	}
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{off}, nil); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "it was shut down")
	vms := n.VMs(ctx)
	if len(vms) != 2 || vms[0].Name != "dom" || vms[1].Name != "web" || vms[1].Phase != vm.Off || vms[1].Source != vm.LXD ||
		vms[1].IPv4 != web.IPv4 || vms[1].Announced || vms[1].Problem != "" {
		t.Errorf("listed: %+v", vms)
	}
	s := n.Status(ctx)
	if s.VMs.Off != 2 || s.VMs.Wanted != 0 || !s.Healthy {
		t.Errorf("status: %+v", s.VMs)
	}
	for _, ip := range []string{"203.0.113.1", "203.0.113.7"} {
		_, _, err := n.Add(ctx, vm.VM{Name: "new", IPv4: netip.MustParseAddr(ip)})
		var refused *vm.Error
		if !errors.As(err, &refused) || refused.Code != vm.Conflict || !strings.Contains(refused.Msg, "which is off") {
			t.Errorf("%s is given away: %v", ip, err)
		}
	}
	if v, err := n.VM(ctx, "web"); err != nil || v.Phase != vm.Off {
		t.Errorf("show: %+v, %v", v, err)
	}
	if err := n.Remove(ctx, "web"); err == nil || !strings.Contains(err.Error(), "VM \"web\" is off") {
		t.Errorf("remove: %v", err)
	}
	n.kernel.add("web_net0", "veth")
	if err := n.SetSource(ctx, vm.LXD, []vm.VM{web}, nil); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "it was started", "203.0.113.1/32 live")
	if got := n.Status(ctx).VMs.Off; got != 1 {
		t.Errorf("%d are off", got)
	}
}

// Domains run on while the agent hangs. What their hooks asked for meanwhile is
// not done to those that run now.
func TestWhatLibvirtDoesNotWaitForIsNotDone(t *testing.T) {
	n := newNode(t)
	meta := &vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Tap}
	if err := n.Domain(ctx, domain("prepare", "-", meta)); err != nil {
		t.Fatal(err)
	}
	late := func(op string) {
		t.Helper()
		ev := domain(op, "-", meta)
		ev.Until = 1
		if err := n.Domain(ctx, ev); err == nil {
			t.Errorf("%s: it was done", op)
		}
	}
	for _, op := range []string{"stopped", "release", "prepare", "started"} {
		late(op)
		n.wantRoutes(t, op, "203.0.113.1/32 live")
	}
	// No guest is there: it may run elsewhere, or be about to start here.
	n.kernel.mu.Lock()
	n.kernel.links["a_net0"].Carrier = false
	n.kernel.mu.Unlock()
	late("stopped")
	n.wantRoutes(t, "it has ended")
	if n.kernel.links["a_net0"] == nil {
		t.Error("its tap is gone")
	}
	n.guests <- struct{}{}
	eventually(t, "its next packet announces it", func() bool { return len(n.kernel.announced()) == 1 })
}

func TestALateMigrationIsStillWaitedFor(t *testing.T) {
	n := newNode(t)
	meta := &vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Link: vm.Tap}
	ev := domain("migrate", "-", meta)
	ev.Until = 1
	if err := n.Domain(ctx, ev); err == nil {
		t.Error("nobody was told that it is late")
	}
	if err := n.Domain(ctx, domain("started", "-", meta)); err != nil {
		t.Fatal(err)
	}
	n.wantRoutes(t, "the guest is still paused")
}

func TestDomainsThatWereStartedWithoutTheAgentAreTakenUp(t *testing.T) {
	n := newNode(t)
	at := func(name, ip string) *vm.VM {
		return &vm.VM{Name: name, IPv4: netip.MustParseAddr(ip), Link: vm.Tap}
	}
	n.mustAdd(t, "mine", "203.0.113.50")
	n.Running = func() []libvirt.Domain {
		return []libvirt.Domain{
			{Name: "a", Runs: true, VM: at("a", "203.0.113.1")},
			{Name: "arriving", VM: at("arriving", "203.0.113.2")},
			{Name: "mine", Runs: true, VM: at("mine", "203.0.113.3")},
			{Name: "none", Runs: true},
			{Name: "bad", Runs: true, VM: at("bad", "8.8.8.8")},
			{Name: "typo", Runs: true, Err: errors.New("ip \"x\" is not an address")},
		}
	}
	n.Learn(ctx)
	n.wantRoutes(t, "the agent is there", "203.0.113.1/32 live", "203.0.113.50/32 live")
	warnings := strings.Join(n.Status(ctx).Warnings, "\n")
	for _, want := range []string{
		"libvirt: domain bad cannot be used: VM bad: 8.8.8.8 is in none of the fabric's pools",
		`libvirt: domain typo cannot be used: ip "x" is not an address`,
	} {
		if !strings.Contains(warnings, want) {
			t.Errorf("no %q in %s", want, warnings)
		}
	}
	if err := n.Domain(ctx, libvirt.Event{Guest: "bad", Op: "release"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(n.Status(ctx).Warnings, "\n"); strings.Contains(got, "domain bad") {
		t.Errorf("it has ended, but there is still: %s", got)
	}
}

func TestAVMThatStartsWhileAnotherNodeAnnouncesItsAddress(t *testing.T) {
	n := newNode(t)
	warned := func() bool {
		return strings.Contains(strings.Join(n.Status(ctx).Warnings, "; "), "another node announced 203.0.113.66 (by way of 10.10.0.2)")
	}
	meta := &vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.66"), Link: vm.Tap}
	if err := n.Domain(ctx, domain("prepare", "-", meta)); err != nil || !warned() {
		t.Errorf("it starts: %v", err)
	}
	if err := n.Domain(ctx, domain("stopped", "-", meta)); err != nil || warned() {
		t.Errorf("it ends: %v", err)
	}
	if err := n.Domain(ctx, domain("migrate", "-", meta)); err != nil || warned() {
		t.Errorf("it arrives: %v", err)
	}
}
