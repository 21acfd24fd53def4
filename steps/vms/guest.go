package vms

import (
	"fmt"
	"net/netip"
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
func GuestFormats() []string {
	return []string{"netplan", "cloud-init", "ifupdown", "networkd", "networkmanager", "ifcfg", "libvirt", "ip"}
}

// GuestSettingsOf gives what a VM's guest needs, in each form: the addresses as
// /32 and /128, and default routes through the fabric's gateway, which is on
// the link though no network contains it. device is the interface's name in
// the guest, such as eth0.
func GuestSettingsOf(f *inventory.Fabric, v VM, device string) []GuestSettings {
	g := guest{VM: v, device: device, gateway: f.Gateway}
	return []GuestSettings{
		{"netplan", "/etc/netplan/50-ipfabric.yaml, then: netplan apply", "network:\n" + g.netplan("  ")},
		{"cloud-init", "network-config of the NoCloud data source, or of any that takes version 2", g.netplan("")},
		{"ifupdown", "/etc/network/interfaces.d/ipfabric (Debian), then: ifup " + device, g.ifupdown()},
		{"networkd", "/etc/systemd/network/50-ipfabric.network, then: networkctl reload", g.networkd()},
		{"networkmanager", "/etc/NetworkManager/system-connections/ipfabric.nmconnection, mode 0600, then: nmcli connection reload", g.networkManager()},
		{"ifcfg", "two files in /etc/sysconfig/network-scripts (RHEL 8 and 9, and their kin)", g.ifcfg()},
		{"libvirt", "the domain's <devices> on its node, or virsh attach-device: the interface alone, the guest needs one of the other forms too", g.libvirt()},
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
		to := "0.0.0.0/0"
		if a.Is6() {
			to = "::/0"
		}
		line(3, "- to: %q", to)
		line(3, "  via: %q", g.via(a))
		line(3, "  on-link: true")
	}
	return b.String()
}

// ifupdown sets the IPv4 routes itself: the gateway option of older releases, and of other programs
// that read this file, does not know a gateway that no network contains.
func (g guest) ifupdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "auto %s\n", g.device)
	if g.IPv4.IsValid() {
		fmt.Fprintf(&b, "iface %s inet static\n    address %s\n", g.device, bgp.SinglePrefix(g.IPv4))
		fmt.Fprintf(&b, "    post-up ip route replace %s dev %s scope link\n", bgp.SinglePrefix(g.gateway.IPv4), g.device)
		fmt.Fprintf(&b, "    post-up ip route replace default via %s dev %s\n", g.gateway.IPv4, g.device)
	}
	if g.IPv6.IsValid() {
		fmt.Fprintf(&b, "iface %s inet6 static\n    address %s\n    gateway %s\n    accept_ra 0\n    autoconf 0\n",
			g.device, bgp.SinglePrefix(g.IPv6), g.gateway.IPv6)
	}
	return b.String()
}

func (g guest) networkd() string {
	var b strings.Builder
	b.WriteString("[Match]\n")
	if len(g.MAC) > 0 {
		fmt.Fprintf(&b, "MACAddress=%s\nType=ether\n", g.MAC)
	} else {
		fmt.Fprintf(&b, "Name=%s\n", g.device)
	}
	b.WriteString("\n[Network]\nDHCP=no\nIPv6AcceptRA=no\n")
	for _, a := range g.Addrs() {
		fmt.Fprintf(&b, "Address=%s\n", bgp.SinglePrefix(a))
	}
	for _, a := range g.Addrs() {
		fmt.Fprintf(&b, "\n[Route]\nGateway=%s\nGatewayOnLink=yes\n", g.via(a))
	}
	return b.String()
}

// networkManager is a keyfile. A route without a next hop is one on the link.
func (g guest) networkManager() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[connection]\nid=ipfabric\ntype=ethernet\ninterface-name=%s\n\n[ethernet]\n", g.device)
	if len(g.MAC) > 0 {
		fmt.Fprintf(&b, "mac-address=%s\n", g.MAC)
	}
	b.WriteString("\n[ipv4]\n")
	if g.IPv4.IsValid() {
		fmt.Fprintf(&b, "method=manual\naddress1=%s\ngateway=%s\nroute1=%s\n", bgp.SinglePrefix(g.IPv4), g.gateway.IPv4, bgp.SinglePrefix(g.gateway.IPv4))
	} else {
		b.WriteString("method=disabled\n")
	}
	b.WriteString("\n[ipv6]\n")
	if g.IPv6.IsValid() {
		fmt.Fprintf(&b, "method=manual\naddress1=%s\ngateway=%s\n", bgp.SinglePrefix(g.IPv6), g.gateway.IPv6)
	} else {
		b.WriteString("method=disabled\n")
	}
	return b.String()
}

// libvirt is the domain's interface on its node. libvirt must not make the tap that the agent makes.
func (g guest) libvirt() string {
	var b strings.Builder
	b.WriteString("<interface type='ethernet'>\n")
	if len(g.MAC) > 0 {
		fmt.Fprintf(&b, "  <mac address='%s'/>\n", g.MAC)
	}
	managed := " managed='no'"
	if g.Link == vm.Existing {
		managed = ""
	}
	fmt.Fprintf(&b, "  <target dev='%s'%s/>\n  <model type='virtio'/>\n", g.Interface, managed)
	if g.MultiQueue { // such a tap cannot be opened with one queue
		b.WriteString("  <driver name='vhost' queues='2'/>\n")
	}
	b.WriteString("</interface>\n")
	return b.String()
}

// via is the default gateway for an address.
func (g guest) via(a netip.Addr) netip.Addr {
	if a.Is6() {
		return g.gateway.IPv6
	}
	return g.gateway.IPv4
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
