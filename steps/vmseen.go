package steps

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"ipfabric/inventory"
)

// routesAt asks one host's bgpd. The error names the host.
func (c *VMControl) routesAt(ctx context.Context, host string, addrs []netip.Addr) (vmRoutes, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := c.Connect(ctx, host)
	if err != nil {
		return nil, err
	}
	routes, err := askRoutes(ctx, c.Fabric, h, addrs)
	if err == nil {
		return routes, nil
	}
	if exitStatus(err) < 0 && strings.HasPrefix(err.Error(), host+" ") {
		return nil, err // of the connection
	}
	hr, _ := c.Fabric.Host(host)
	return nil, &VMError{Kind: VMSilent, Msg: host + ": its routes are not known", Err: frrError(err),
		Next: fmt.Sprintf("`ipfabric verify` says how FRR on %s is; there: %s", host, c.Fabric.SSHLine(hr.Host, "systemctl status frr"))}
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
