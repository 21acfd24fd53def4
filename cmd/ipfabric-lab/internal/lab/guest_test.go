package lab

import (
	"net/netip"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-lab/internal/guest"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/inventory/vm"
	"ipfabric/steps/vms"
)

func TestGuestSpec(t *testing.T) {
	l, _ := newLab(t)
	withMachines(t, l, plan.Size{Reflectors: 1, Nodes: 1})
	f, err := l.fabric()
	if err != nil {
		t.Fatal(err)
	}
	made := func(link string) vms.VM {
		return vms.VM{Observed: vm.Observed{VM: vm.VM{Name: "web", Interface: "web_net0", Link: vm.Link(link),
			IPv4: netip.MustParseAddr("203.0.113.1"), IPv6: netip.MustParseAddr("2001:db8:100::1")}}}
	}
	for _, tt := range []struct {
		name    string
		link    string
		kind    guest.Kind
		flavour guest.Flavour
		want    guest.Flavour
		makes   bool
		refused string
	}{
		{"a tap suits a tap", "tap", guest.NS, "", guest.Tap, false, ""},
		{"a veth suits what somebody else makes", "existing", guest.NS, "", guest.Veth, false, ""},
		{"a tap that the guest makes", "existing", guest.NS, guest.Tap, guest.Tap, true, ""},
		{"a veth in the place of a tap", "tap", guest.NS, guest.Veth, "", false, "has a tap"},
		{"a virtual machine without a tap", "existing", guest.QEMU, "", "", false, "has no tap"},
		{"a container with a tap", "tap", guest.LXD, "", "", false, "has a tap"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := guestSpec(f, made(tt.link), GuestOptions{Kind: tt.kind, Flavour: tt.flavour})
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) || hint.Of(err) == "" {
					t.Errorf("got %v, hint %q", err, hint.Of(err))
				}
				return
			}
			if err != nil || s.Flavour != tt.want || s.MakeTap != tt.makes || s.Metadata != nil {
				t.Errorf("got %+v, %v", s, err)
			}
			for _, want := range []string{"203.0.113.1/32 dev eth0", "default via 10.0.0.1", "2001:db8:100::1/128", "default via fe80::1"} {
				if !strings.Contains(s.Settings, want) {
					t.Errorf("no %q in the settings:\n%s", want, s.Settings)
				}
			}
		})
	}
}

func TestGuestThatBringsItsVM(t *testing.T) {
	l, _ := newLab(t)
	withMachines(t, l, plan.Size{Reflectors: 1, Nodes: 1})
	f, err := l.fabric()
	if err != nil {
		t.Fatal(err)
	}
	o := GuestOptions{Kind: guest.QEMU, IPv4: netip.MustParseAddr("203.0.113.1")}
	if vm, err := ownVM(f, "node1", "web", o); err != nil || vm.Interface != "web_net0" || vm.Link != "tap" {
		t.Errorf("got %+v, %v", vm, err)
	}
	long, err := ownVM(f, "node1", "eleven_char", o)
	if err != nil || len(long.Interface) > 15 || !strings.HasSuffix(long.Interface, "_net0") {
		t.Errorf("a name that is too long for an interface: %+v, %v", long, err)
	}
	if other, _ := ownVM(f, "node1", "eleven_more", o); other.Interface == long.Interface {
		t.Errorf("two VMs have the interface %s", long.Interface)
	}
	o.Kind = guest.LXD
	if _, err := ownVM(f, "node1", "web", o); err == nil || !strings.Contains(hint.Of(err), "virtualization: lxd") {
		t.Errorf("a container on a node for virtual machines: %v, hint %q", err, hint.Of(err))
	}
}
