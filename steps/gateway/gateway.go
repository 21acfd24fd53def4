package gateway

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"text/template"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// PasswordPlaceholder stands in a text where the administrator puts the BGP
// password, which no text holds. In BIRD's it stands in a comment that says
// what to put into bird.conf: the text itself is used unchanged.
const PasswordPlaceholder = "BGP-PASSWORD"

// A Gateway is what one core gateway must know of the fabric, in no vendor's
// words.
type Gateway struct {
	Name, Fabric string
	AS           inventory.ASN // all sessions are iBGP
	RouterID     netip.Addr    // as the inventory has it; IPv4 form
	// Communities must all be on a route that is accepted. At least one, sorted.
	Communities []inventory.Community
	Password    bool // sessions have one (TCP-MD5, RFC 2385)
	// Keepalive, HoldTime and ConnectRetry are whole seconds.
	Keepalive, HoldTime, ConnectRetry time.Duration
	BFD                               inventory.BFD
	MaxPrefixes                       int // accepted per neighbor and address family
	// Transports are the IP versions that VMs have. Sessions over IPv4 carry
	// IPv4 routes alone, and sessions over IPv6 carry IPv6 routes alone.
	Transports []Transport
}

// A Transport is the sessions of one IP version, and what is accepted on them:
// single addresses out of the pools.
type Transport struct {
	Version   int            // 4 or 6
	Bits      int            // of an address: 32 or 128
	Local     netip.Addr     // the gateway's end of the sessions
	Pools     []netip.Prefix // at least one
	Neighbors []Neighbor     // the route reflectors; at least one
	// NextHop is an address that routes will point to, for a look whether the
	// gateway has a route to it: a node's, or a reflector's before there are nodes.
	NextHop netip.Addr
}

// A Neighbor is a route reflector.
type Neighbor struct {
	Name    string
	Address netip.Addr
}

// New returns what that core gateway must know. An IP version without a pool,
// without an address of the gateway or without a reflector has no Transport.
func New(f *inventory.Fabric, core inventory.CoreGateway) Gateway {
	g := Gateway{
		Name: core.Name, Fabric: f.Name, AS: f.AS, RouterID: core.RouterID,
		Communities: slices.Clone(f.Communities),
		Password:    !f.BGP.Password.IsZero(),
		Keepalive:   f.BGP.Keepalive, HoldTime: f.BGP.HoldTime, ConnectRetry: f.BGP.ConnectRetry,
		BFD: f.BGP.BFD, MaxPrefixes: f.BGP.CoreMaxPrefixes,
	}
	slices.SortFunc(g.Communities, func(a, b inventory.Community) int {
		return cmp.Or(cmp.Compare(a.High, b.High), cmp.Compare(a.Low, b.Low))
	})
	for _, t := range f.Transports() {
		g.add(t, f, core)
	}
	return g
}

// add adds the sessions over one IP version, if there are any.
func (g *Gateway) add(version inventory.Transport, f *inventory.Fabric, core inventory.CoreGateway) {
	t := Transport{Version: 4, Bits: 32, Pools: version.Pools, Local: version.Addr(core.Host)}
	if version.Version == "6" {
		t.Version, t.Bits = 6, 128
	}
	for _, rr := range f.RouteReflectors {
		if a := version.Addr(rr.Host); a.IsValid() {
			t.Neighbors = append(t.Neighbors, Neighbor{rr.Name, a})
		}
	}
	if len(t.Neighbors) == 0 || !t.Local.IsValid() {
		return
	}
	t.NextHop = t.Neighbors[0].Address
	if len(f.Nodes) > 0 {
		t.NextHop = version.Addr(f.Nodes[0].Host) // valid: a node has an address of each version with a pool
	}
	g.Transports = append(g.Transports, t)
}

// Vendors returns the vendors that Render knows: those of the inventory.
func Vendors() []string { return inventory.Vendors() }

// renderers has the function of each vendor that turns a Gateway into the
// values which its template, assets/gateway/VENDOR.tmpl, prints.
func renderers() map[string]func(Gateway) any {
	return map[string]func(Gateway) any{"junos": junos, "frr": frr, "bird": bird}
}

// Render returns the configuration of a core gateway for a router of that
// vendor, with the commands that apply and check it. The vendor need not be
// the core gateway's own in the inventory. The error says that the vendor is
// none of Vendors.
func Render(vendor string, f *inventory.Fabric, core inventory.CoreGateway) (string, error) {
	values, ok := renderers()[vendor]
	if !ok {
		return "", fmt.Errorf("%s: there is no template for the vendor %q", core.Name, vendor)
	}
	t, err := template.New(vendor+".tmpl").Option("missingkey=error").ParseFS(assets.Templates("gateway"), vendor+".tmpl")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, values(New(f, core))); err != nil {
		return "", err
	}
	return b.String(), nil
}

// seconds gives a time as the number that routers want.
func seconds(d time.Duration) int { return int(d / time.Second) }
