package bgp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// A Path is one way to an address that a router knows of.
type Path struct {
	Node string // whose it is; the next hop's address if that is no node's
	Best bool
}

// Routes are the ways to each address.
type Routes map[netip.Addr][]Path

// Best is the node that a router prefers for an address, "" if there is none.
func (r Routes) Best(a netip.Addr) string {
	for _, p := range r[a] {
		if p.Best {
			return p.Node
		}
	}
	return ""
}

// From says whether a router has a way to the address by that node.
func (r Routes) From(a netip.Addr, node string) bool {
	return slices.ContainsFunc(r[a], func(p Path) bool { return p.Node == node })
}

// frrPath is a path as FRR writes it, in details or in a table.
type frrPath struct {
	BestPath flexible
	NextHops []struct{ IP string }
	Peer     struct{ PeerID string }
	PeerID   string
}

// flexible is a boolean that FRR writes as such in a table of routes, and as
// an object in the details of one.
type flexible bool

// UnmarshalJSON reads a boolean, or the member "overall" of an object.
func (b *flexible) UnmarshalJSON(data []byte) error {
	var object struct{ Overall bool }
	if json.Unmarshal(data, &object) == nil {
		*b = flexible(object.Overall)
		return nil
	}
	return json.Unmarshal(data, (*bool)(b))
}

// Read adds the answers of vtysh: JSON documents, with lines of text between
// them where FRR has something to say, such as that there is no such route.
func (r Routes) Read(f *inventory.Fabric, out string) error {
	return eachDocument(out, func(_ int, dec *json.Decoder) error {
		var doc struct {
			Prefix string
			Paths  []frrPath
			Routes map[string][]frrPath
		}
		if err := dec.Decode(&doc); err != nil {
			return fmt.Errorf("its routes cannot be read: %v", err)
		}
		if doc.Prefix != "" {
			r.add(f, doc.Prefix, doc.Paths)
		}
		for prefix, paths := range doc.Routes {
			r.add(f, prefix, paths)
		}
		return nil
	})
}

func (r Routes) add(f *inventory.Fabric, prefix string, paths []frrPath) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil || !p.IsSingleIP() {
		return
	}
	for _, x := range paths {
		r[p.Addr()] = append(r[p.Addr()], Path{Node: x.origin(f), Best: bool(x.BestPath)})
	}
}

// origin is the node that a path leads to. Reflectors do not change the next
// hop (RFC 4456, 10), and a node's own routes have 0.0.0.0.
func (x frrPath) origin(f *inventory.Fabric) string {
	first := cmp.Or(x.Peer.PeerID, x.PeerID)
	for _, hop := range x.NextHops {
		a, err := netip.ParseAddr(hop.IP)
		if err != nil || a.IsUnspecified() || a.IsLinkLocalUnicast() {
			continue
		}
		for _, n := range f.Nodes {
			if a == n.IPv4 || a == n.IPv6 {
				return n.Name
			}
		}
		first = hop.IP
	}
	return first
}

// fewRoutes is up to how many addresses are asked for one by one. Beyond that a
// table of all routes is less to read, and the arguments stay short enough for
// any number of VMs.
const fewRoutes = 48

// AskRoutes asks bgpd for the ways to these addresses. Both questions look at
// what was accepted: on a reflector that is what has the fabric's communities.
func AskRoutes(ctx context.Context, f *inventory.Fabric, r step.Reader, addrs []netip.Addr) (Routes, error) {
	routes := Routes{}
	if len(addrs) == 0 {
		return routes, nil
	}
	question, table := RouteQuestion(addrs)
	out, err := r.Query(ctx, question...)
	if err == nil && table {
		out, err = Unpack(out)
	}
	if err != nil {
		return nil, err
	}
	if strings.Contains(out, noBGPD) {
		return nil, errNoBGPD
	}
	if err := routes.Read(f, out); err != nil {
		return nil, err
	}
	return routes, nil
}

// RouteQuestion is the command that asks for the ways to some addresses, and
// whether its answer is packed tables of all routes.
func RouteQuestion(addrs []netip.Addr) (argv []string, table bool) {
	var few []string
	var families [2]bool
	for _, a := range addrs {
		few = append(few, ShowRoute(a)+" json")
		families[a.BitLen()/128] = true
	}
	if len(addrs) <= fewRoutes {
		return Vtysh(few...), false
	}
	var tables []string
	for i, name := range []string{"ipv4", "ipv6"} {
		if families[i] {
			tables = append(tables, fmt.Sprintf("show bgp %s unicast json", name))
		}
	}
	return Pack(Vtysh(tables...)...), true
}

// ShowRoute is the command of vtysh that shows the ways to an address.
func ShowRoute(a netip.Addr) string {
	family := "ipv4"
	if a.Is6() {
		family = "ipv6"
	}
	return fmt.Sprintf("show bgp %s unicast %s", family, SinglePrefix(a))
}

// SinglePrefix is an address as the network that holds it alone.
func SinglePrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
