package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory"
)

// A vmPath is one way to an address that a router knows of.
type vmPath struct {
	node string // whose it is; the next hop's address if that is no node's
	best bool
}

// vmRoutes are the ways to each address.
type vmRoutes map[netip.Addr][]vmPath

// best is the node that a router prefers for an address, "" if there is none.
func (r vmRoutes) best(a netip.Addr) string {
	for _, p := range r[a] {
		if p.best {
			return p.node
		}
	}
	return ""
}

// from says whether a router has a way to the address by that node.
func (r vmRoutes) from(a netip.Addr, node string) bool {
	return slices.ContainsFunc(r[a], func(p vmPath) bool { return p.node == node })
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

func (b *flexible) UnmarshalJSON(data []byte) error {
	var object struct{ Overall bool }
	if json.Unmarshal(data, &object) == nil {
		*b = flexible(object.Overall)
		return nil
	}
	return json.Unmarshal(data, (*bool)(b))
}

// read adds the answers of vtysh: JSON documents, with lines of text between
// them where FRR has something to say, such as that there is no such route.
func (r vmRoutes) read(f *inventory.Fabric, out string) error {
	for {
		start := documentStart(out)
		if start < 0 {
			return nil
		}
		out = out[start:]
		dec := json.NewDecoder(strings.NewReader(out))
		var doc struct {
			Prefix string
			Paths  []frrPath
			Routes map[string][]frrPath
		}
		if err := dec.Decode(&doc); err != nil {
			return fmt.Errorf("its routes cannot be read: %v", err)
		}
		out = out[dec.InputOffset():]
		if doc.Prefix != "" {
			r.add(f, doc.Prefix, doc.Paths)
		}
		for prefix, paths := range doc.Routes {
			r.add(f, prefix, paths)
		}
	}
}

func (r vmRoutes) add(f *inventory.Fabric, prefix string, paths []frrPath) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil || !p.IsSingleIP() {
		return
	}
	for _, x := range paths {
		r[p.Addr()] = append(r[p.Addr()], vmPath{node: x.origin(f), best: bool(x.BestPath)})
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

// A view is what one route reflector says of some addresses.
type view struct {
	rr     inventory.RouteReflector
	routes vmRoutes
	err    error // it gave no answer
}

// carries says whether the reflector has sessions for an address's family:
// IPv4 sessions carry IPv4 routes, IPv6 sessions IPv6 routes.
func (v view) carries(a netip.Addr) bool {
	if a.Is4() {
		return v.rr.IPv4.IsValid()
	}
	return v.rr.IPv6.IsValid()
}

// views asks all of these reflectors at once.
func (c *VMControl) views(ctx context.Context, rrs []inventory.RouteReflector, addrs []netip.Addr) []view {
	out := make([]view, len(rrs))
	names := make([]string, len(rrs))
	for i, rr := range rrs {
		out[i].rr, names[i] = rr, rr.Name
	}
	onAll(names, func(i int, name string) {
		out[i].routes, out[i].err = c.routesAt(ctx, name, addrs)
	})
	return out
}

func silentViews(views []view) []Silent {
	var out []Silent
	for _, v := range views {
		if v.err != nil {
			out = append(out, Silent{v.rr.Name, v.err})
		}
	}
	return out
}

// Seen is what one route reflector has of a VM.
type Seen struct {
	RR     string `json:"rr"`
	Status string `json:"status"` // SeenYes, SeenNo, SeenPartly, SeenOther or SeenUnknown
}

// How a route reflector sees a VM.
const (
	SeenYes     = "yes"     // its best path to every address is the VM's node
	SeenNo      = "no"      // it has no path at all
	SeenPartly  = "partly"  // to some of the addresses
	SeenOther   = "other"   // it prefers another node for at least one address
	SeenUnknown = "unknown" // it gave no answer
)

// seen says how a reflector sees a VM.
func (v view) seen(vm VM) Seen {
	s := Seen{RR: v.rr.Name, Status: SeenUnknown}
	if v.err != nil {
		return s
	}
	here, nowhere, other, all := 0, 0, 0, 0
	for _, a := range vm.Addrs() {
		if !v.carries(a) {
			continue
		}
		all++
		switch v.routes.best(a) {
		case vm.Node:
			here++
		case "":
			nowhere++
		default:
			other++
		}
	}
	switch {
	case all == 0:
		s.Status = "" // it is not this reflector's business
	case other > 0:
		s.Status = SeenOther
	case here == all:
		s.Status = SeenYes
	case nowhere == all:
		s.Status = SeenNo
	default:
		s.Status = SeenPartly
	}
	return s
}
