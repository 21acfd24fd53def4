package vms

import (
	"fmt"
	"strings"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/bgp"
)

// A GuestSettings is the network configuration of a VM's guest in one form.
type GuestSettings struct {
	Format string // what it is called: "netplan"
	Where  string // where it goes in the guest
	Text   string // ends in a newline
}

// GuestFormats names the forms, in the order of GuestSettingsOf.
func GuestFormats() []string { return []string{"netplan", "cloud-init", "ifcfg", "ip"} }

// GuestSettingsOf gives what a VM's guest needs, in each form: the addresses as
// /32 and /128, and default routes through the fabric's gateway, which is on
// the link though no network contains it. device is the interface's name in
// the guest, such as eth0.
func GuestSettingsOf(f *inventory.Fabric, v VM, device string) []GuestSettings {
	g := guest{VM: v, device: device, gateway: f.Gateway}
	return []GuestSettings{
		{"netplan", "/etc/netplan/50-ipfabric.yaml, then: netplan apply", "network:\n" + g.netplan("  ")},
		{"cloud-init", "network-config of the NoCloud data source, or of any that takes version 2", g.netplan("")},
		{"ifcfg", "two files in /etc/sysconfig/network-scripts (RHEL 8 and 9, and their kin)", g.ifcfg()},
		{"ip", "a shell in the guest; it lasts until the guest's next boot", g.commands()},
	}
}

// CheckGuestDevice says what is wrong with the name of an interface in a guest.
func CheckGuestDevice(name string) error {
	if vm.CheckInterface(name) != nil {
		return usage("a name such as eth0 or ens3", "%q is not the name of a network interface", name)
	}
	return nil
}

type guest struct {
	VM
	device  string
	gateway inventory.VMGateway
}

func (g guest) netplan(indent string) string {
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, "%s%s%s\n", indent, strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
	}
	line(0, "version: 2")
	line(0, "ethernets:")
	line(1, "%s:", g.device)
	if len(g.MAC) > 0 {
		line(2, "match:")
		line(3, "macaddress: %q", g.MAC)
		line(2, "set-name: %s", g.device)
	}
	line(2, "dhcp4: false")
	line(2, "dhcp6: false")
	line(2, "accept-ra: false")
	line(2, "addresses:")
	for _, a := range g.Addrs() {
		line(3, "- %q", bgp.SinglePrefix(a))
	}
	line(2, "routes:")
	for _, a := range g.Addrs() {
		to, via := "0.0.0.0/0", g.gateway.IPv4
		if a.Is6() {
			to, via = "::/0", g.gateway.IPv6
		}
		line(3, "- to: %q", to)
		line(3, "  via: %q", via)
		line(3, "  on-link: true")
	}
	return b.String()
}

func (g guest) ifcfg() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# ifcfg-%s:\n", g.device)
	fmt.Fprintf(&b, "TYPE=Ethernet\nNAME=%s\nDEVICE=%s\n", g.device, g.device)
	if len(g.MAC) > 0 {
		fmt.Fprintf(&b, "HWADDR=%s\n", g.MAC)
	}
	b.WriteString("ONBOOT=yes\nBOOTPROTO=none\nDEFROUTE=yes\n")
	if g.IPv4.IsValid() {
		fmt.Fprintf(&b, "IPADDR=%s\nPREFIX=32\n", g.IPv4)
	}
	if g.IPv6.IsValid() {
		fmt.Fprintf(&b, "IPV6INIT=yes\nIPV6_AUTOCONF=no\nIPV6ADDR=%s\nIPV6_DEFROUTE=yes\nIPV6_DEFAULTGW=%s%%%s\n", bgp.SinglePrefix(g.IPv6), g.gateway.IPv6, g.device)
	}
	if g.IPv4.IsValid() {
		fmt.Fprintf(&b, "# route-%s:\n", g.device)
		fmt.Fprintf(&b, "%s dev %s scope link\n", bgp.SinglePrefix(g.gateway.IPv4), g.device)
		fmt.Fprintf(&b, "default via %s dev %s\n", g.gateway.IPv4, g.device)
	}
	return b.String()
}

func (g guest) commands() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ip link set dev %s up\n", g.device)
	if g.IPv4.IsValid() {
		fmt.Fprintf(&b, "ip addr replace %s dev %s\n", bgp.SinglePrefix(g.IPv4), g.device)
		fmt.Fprintf(&b, "ip route replace %s dev %s scope link\n", bgp.SinglePrefix(g.gateway.IPv4), g.device)
		fmt.Fprintf(&b, "ip route replace default via %s dev %s\n", g.gateway.IPv4, g.device)
	}
	if g.IPv6.IsValid() {
		fmt.Fprintf(&b, "ip -6 addr replace %s dev %s\n", bgp.SinglePrefix(g.IPv6), g.device)
		fmt.Fprintf(&b, "ip -6 route replace default via %s dev %s\n", g.gateway.IPv6, g.device)
	}
	return b.String()
}
