package inventory

import (
	"net"
	"net/netip"
	"time"
)

// A Fabric is one checked fabric.yaml: hypervisor nodes that route for their
// VMs, route reflectors that pass on what the nodes announce, and core
// gateways, through which traffic from outside comes in.
//
// Every value is valid and every relation between values holds: Parse returns
// either such a Fabric or the list of all problems of the file.
type Fabric struct {
	File            string // where it was read from, as messages name it
	Name            string
	AS              ASN            // the one AS of the fabric: all sessions are iBGP
	Communities     []Community    // every VM route carries all of them; at least one
	Gateway         VMGateway      // the same on every VM interface of every node
	Pools           []netip.Prefix // the VMs' addresses; masked, not overlapping
	VXLAN           bool           // the reflectors also carry EVPN
	RouteReflectors []RouteReflector
	CoreGateways    []CoreGateway
	Nodes           []Node
	BGP             BGP
	KnownHosts      string // known_hosts file; "" is the user's own
	MetricsListen   string // host:port of the agents' Prometheus metrics; "" is none
	IsolateVMs      bool   // no VM to VM traffic on a node
	Protect         Protect
}

// Protect says what of the fabric's hosts VMs reach: if it is enabled, ICMP and
// Allow only.
type Protect struct {
	Enabled bool
	Allow   []Ports // none twice; none of those that no VM reaches
}

// Ports are the ports of TCP or UDP from First to Last. String gives "53/udp" or
// "8000-8010/tcp".
type Ports struct {
	Protocol    string // "tcp" or "udp"
	First, Last uint16
}

// An ASN is a 2 or 4 byte autonomous system number. String gives asplain
// (RFC 5396); fabric.yaml may also say it in asdot.
type ASN uint32

// A Community is a standard BGP community (RFC 1997), written "65000:100".
type Community struct{ High, Low uint16 }

// A VMGateway is what every VM interface on every node has on the host's side.
type VMGateway struct {
	IPv4 netip.Addr // the VMs' IPv4 default gateway; zero without an IPv4 pool
	IPv6 netip.Addr // link-local; zero without an IPv6 pool
	MAC  net.HardwareAddr
}

// A Host is what route reflectors, core gateways and nodes have in common.
type Host struct {
	Name     string
	IPv4     netip.Addr // BGP session address; zero if the host has none
	IPv6     netip.Addr // BGP session address; zero if the host has none
	RouterID netip.Addr // an IPv4 address or number in that form; IPv4 unless the file says another;
	// zero for an unmanaged reflector without either
	OS  string // "debian12" …; "" is what the host's os-release says
	SSH SSH
	FRR FRR
}

// SSH says how to reach one host. Fields that fabric.yaml has neither for the
// host nor in its ssh defaults are zero: they come from ~/.ssh/config, then from
// the usual defaults.
type SSH struct {
	Address string   // name or address; never empty: the BGP address if nothing else is said
	Port    int      // 0 is ~/.ssh/config's, else 22
	User    string   // "" is ~/.ssh/config's, else root
	Keys    []string // private key files, absolute paths
	Jump    []string // jump hosts, first hop first: [user@]host[:port]
	Sudo    bool     // a user who is not root becomes root by sudo
}

// FRR says where a host's FRR comes from and what is added to its frr.conf.
type FRR struct {
	Source string // "distribution", "upstream", "mirror" or "preinstalled"
	Series string // upstream's release line, such as "10.3"
	Mirror Mirror
	Extra  string // the operator's own frr.conf lines, verbatim, ending in a newline unless empty
}

// A Mirror is the operator's own repositories of FRR's packages. A host's operating
// system decides which of them it uses.
type Mirror struct{ Apt, RPM Repository }

// A Repository is one repository of packages. It is zero if the file has none.
type Repository struct {
	URL         string // without a slash at its end
	Suite       string // apt: "" is the release's code name; with a slash at its end there are no components
	Component   string // apt
	KeyFile     string // absolute path
	Fingerprint string // that the key must have; "" is not said
	Key         string // the key file in ASCII armor; "" until CheckFiles has been called
}

// A RouteReflector reflects the nodes' routes to the core gateways and the
// other nodes (RFC 4456).
type RouteReflector struct {
	Host
	Managed   bool       // false: ipfabric does not change this router, and sees only its neighbors' side
	ClusterID netip.Addr // the router ID unless the file says another
}

// A CoreGateway brings the traffic from the outside in.
type CoreGateway struct {
	Host
	Vendor string // one of Vendors
	// LookingGlass says how verify asks the gateway for its own end of the
	// sessions, over SSH: "none" (not asked), "bird" or "frr".
	LookingGlass string
}

// Vendors returns the vendors that a core gateway can be of, as fabric.yaml and
// ipfabric's --vendor say them. Package steps/gateway writes the configuration
// of each; this is the one list of their names.
func Vendors() []string { return []string{"junos", "frr", "bird"} }

// A Node is a hypervisor that routes for its VMs.
type Node struct {
	Host
	Virtualization string // "kvm" or "lxd"
}

// BGP is what all sessions of the fabric have in common.
type BGP struct {
	Password        Secret        // TCP-MD5 (RFC 2385); zero: none
	Keepalive       time.Duration // whole seconds
	HoldTime        time.Duration // whole seconds, at least 3 s
	ConnectRetry    time.Duration // whole seconds
	BFD             BFD
	MaxPrefixes     int // a node may announce so many prefixes per address family
	CoreMaxPrefixes int // a core gateway accepts so many prefixes per address family and reflector
}

// BFD is bidirectional forwarding detection (RFC 5880) beside each session.
type BFD struct {
	Enabled    bool
	Interval   time.Duration // both directions, whole milliseconds
	Multiplier int
}

// A Secret is a value that fabric.yaml names but does not hold: it comes from
// an environment variable or a file. Its String, %v and JSON forms hide it.
type Secret struct {
	Env  string // name of an environment variable
	File string // absolute path; the value is its first line
	// value is nil until it is read. It is a pointer, so that fmt prints only an
	// address where it does not call Format.
	value *string
}

// HasIPv4 says whether VMs get IPv4 addresses.
func (f *Fabric) HasIPv4() bool { return len(f.pools(true)) > 0 }

// HasIPv6 says whether VMs get IPv6 addresses.
func (f *Fabric) HasIPv6() bool { return len(f.pools(false)) > 0 }

// Pools4 returns the IPv4 pools in the file's order.
func (f *Fabric) Pools4() []netip.Prefix { return f.pools(true) }

// Pools6 returns the IPv6 pools in the file's order.
func (f *Fabric) Pools6() []netip.Prefix { return f.pools(false) }

func (f *Fabric) pools(v4 bool) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range f.Pools {
		if p.Addr().Is4() == v4 {
			out = append(out, p)
		}
	}
	return out
}
