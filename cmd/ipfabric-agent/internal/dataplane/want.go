package dataplane

import (
	"net/netip"
	"strings"

	"ipfabric/inventory/vm"
)

// Protocol is the number that marks the agent's routes. zebra takes a route
// for a kernel route, and hence for one to redistribute, unless its number
// belongs to one of FRR's own daemons; 201 does not.
const Protocol = 201

// A kernel route's metric tells FRR how to announce it: the node's route-map
// turns 512 into LOCAL_PREF 200.
const (
	MetricLive      = 1024
	MetricMigrating = 512
)

// A fallback route counts while there is no other to the same address. Its metric
// is behind any that FRR gives to a BGP route (20), and its number is zebra's own
// (RTPROT_ZEBRA), so that FRR takes no notice of it.
const (
	FallbackMetric   = 1 << 31
	FallbackProtocol = 11
)

// Settings are what all VMs of a node have in common.
type Settings struct {
	IPv4    netip.Addr // gateway; zero without an IPv4 pool
	IPv6    netip.Addr // gateway, link-local; zero without an IPv6 pool
	MAC     vm.MAC     // of the host's end of every VM's interface
	Drained bool       // no VM is announced
}

// Addrs are the gateway's, as they are put onto VMs' interfaces.
func (s Settings) Addrs() []netip.Prefix {
	var out []netip.Prefix
	if s.IPv4.IsValid() {
		out = append(out, netip.PrefixFrom(s.IPv4, 32))
	}
	if s.IPv6.IsValid() {
		out = append(out, netip.PrefixFrom(s.IPv6, 64))
	}
	return out
}

// A Want is what one VM needs in the kernel.
type Want struct {
	VM         string
	Device     string
	AltName    string // the full name where Device is another
	Make       bool   // make Device, a persistent tap, if it is not there
	Owner      string // of a tap that the agent makes
	Group      string
	MultiQueue bool
	MAC        string
	Guest      []netip.Addr   // the VM's own
	Addrs      []netip.Prefix // the host's, on Device
	Settings   []Setting
	Neighbors  []Neighbor
	Routes     []Route
}

// A Setting is a sysctl of one interface.
type Setting struct {
	Key      string // "ipv4/conf/rp_filter": the interface's name goes before the last part
	Value    string
	Optional bool // it is no error if this kernel has none
}

// A Neighbor is a permanent entry of the neighbor table.
type Neighbor struct {
	Addr netip.Addr
	MAC  string
}

// A Route leads to one address of a VM.
type Route struct {
	Prefix netip.Prefix
	Metric int
}

// For says what a VM needs in the kernel.
func For(v vm.VM, s Settings) Want {
	w := Want{
		VM:         v.Name,
		Device:     v.Device(),
		Make:       v.Link == vm.Tap,
		Owner:      v.Owner,
		Group:      v.Group,
		MultiQueue: v.MultiQueue,
		MAC:        s.MAC.String(),
		Guest:      v.Addrs(),
		Settings:   settings(v.IPv6.IsValid()),
	}
	if full := vm.AltName(v.Name); full != w.Device {
		w.AltName = full
	}
	for _, a := range s.Addrs() {
		if a.Addr().Is4() && v.IPv4.IsValid() || a.Addr().Is6() && v.IPv6.IsValid() {
			w.Addrs = append(w.Addrs, a)
		}
	}
	for _, a := range v.Addrs() {
		if len(v.MAC) > 0 {
			w.Neighbors = append(w.Neighbors, Neighbor{a, v.MAC.String()})
		}
		if v.Announced() && !s.Drained {
			w.Routes = append(w.Routes, Route{netip.PrefixFrom(a, a.BitLen()), metric(v.Phase)})
		}
	}
	return w
}

func metric(p vm.Phase) int {
	if p == vm.Migrating {
		return MetricMigrating
	}
	return MetricLive
}

// settings returns the sysctls of a VM's interface.
func settings(ipv6 bool) []Setting {
	out := []Setting{
		{Key: "ipv4/conf/forwarding", Value: "1"},
		// A packet whose source the route back does not lead to is dropped,
		// also while another program has removed the nftables table.
		{Key: "ipv4/conf/rp_filter", Value: "1"},
		// A guest that believes in a bigger subnet finds all hosts of it
		// behind the gateway.
		{Key: "ipv4/conf/proxy_arp", Value: "1"},
		{Key: "ipv4/neigh/proxy_delay", Value: "0"},
		{Key: "ipv4/conf/send_redirects", Value: "0"},
		{Key: "ipv4/conf/accept_redirects", Value: "0"},
	}
	// These hold for a VM without IPv6 too, as far as the kernel has IPv6.
	six := []Setting{
		{Key: "ipv6/conf/accept_ra", Value: "0"},
		{Key: "ipv6/conf/accept_redirects", Value: "0"},
		// No link-local address made from the MAC, which is the same on all.
		{Key: "ipv6/conf/addr_gen_mode", Value: "1"},
	}
	if ipv6 {
		six = append(six,
			Setting{Key: "ipv6/conf/disable_ipv6", Value: "0"},
			Setting{Key: "ipv6/conf/forwarding", Value: "1"})
	}
	for _, s := range six {
		s.Optional = !ipv6
		out = append(out, s)
	}
	return out
}

// SettingKeys returns the keys of all sysctls that any VM may want.
func SettingKeys() []string {
	var keys []string
	for _, s := range settings(true) {
		keys = append(keys, s.Key)
	}
	return keys
}

const (
	aliasMade  = "ipfabric:made:"
	aliasTaken = "ipfabric:taken:"
)

// Marked says which VM a link with that alias belongs to, and whether the
// agent made the link. It returns "" for a link that is not the agent's.
func Marked(alias string) (name string, made bool) {
	if name, ok := strings.CutPrefix(alias, aliasMade); ok && vm.CheckName(name) == nil {
		return name, true
	}
	if name, ok := strings.CutPrefix(alias, aliasTaken); ok && vm.CheckName(name) == nil {
		return name, false
	}
	return "", false
}
