package vms

import (
	"context"
	"fmt"
	"net/netip"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
)

// routesAt asks one host's bgpd. The error names the host.
func (c *Control) routesAt(ctx context.Context, host string, addrs []netip.Addr) (bgp.Routes, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	h, err := c.Connect(ctx, host)
	if err != nil {
		return nil, err
	}
	routes, err := bgp.AskRoutes(ctx, c.Fabric, h, addrs)
	if err == nil {
		return routes, nil
	}
	return nil, c.routesError(host, err)
}

// routesError names the host that does not say which routes it has, and says what
// to look at there.
func (c *Control) routesError(host string, err error) error {
	if step.NamesHost(err, host) {
		return err // of the connection
	}
	h, _ := c.Fabric.Host(host)
	return &Error{Kind: Unanswered, Msg: host + ": its routes are not known", Err: bgp.ShortError(err),
		Next: fmt.Sprintf("`ipfabric verify` says how FRR on %s is; there: %s", host, c.Fabric.SSHLine(h.Host, "systemctl status frr"))}
}

// A View is what one route reflector says: of all VMs in an Observation, else of
// some addresses. Its Err is why it is not known what the reflector has.
type View struct {
	RR inventory.RouteReflector
	bgp.Tables
	Down  error  // the host itself gave no answer
	Blind string // why there is no answer, in words; may be ""
}

// silence says why a reflector did not tell what it has.
func (v View) silence() string {
	if v.Blind != "" {
		return v.Blind
	}
	return v.Err.Error()
}

// Carries says whether the reflector has sessions for an address's family:
// IPv4 sessions carry IPv4 routes, IPv6 sessions IPv6 routes.
func (v View) Carries(a netip.Addr) bool {
	if a.Is4() {
		return v.RR.IPv4.IsValid()
	}
	return v.RR.IPv6.IsValid()
}

// Seen says how a reflector sees a VM.
func (v View) Seen(vm VM) Seen {
	s := Seen{RR: v.RR.Name, Status: SeenUnknown}
	if v.Err != nil {
		return s
	}
	here, nowhere, other, all := 0, 0, 0, 0
	for _, a := range vm.Addrs() {
		if !v.Carries(a) {
			continue
		}
		all++
		switch v.Routes.Best(a) {
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
func (c *Control) views(ctx context.Context, rrs []inventory.RouteReflector, addrs []netip.Addr) []View {
	out := make([]View, len(rrs))
	names := make([]string, len(rrs))
	for i, rr := range rrs {
		out[i].RR, names[i] = rr, rr.Name
	}
	onAll(names, func(i int, name string) {
		out[i].Routes, out[i].Err = c.routesAt(ctx, name, addrs)
	})
	return out
}

func silentViews(views []View) []Silent {
	var out []Silent
	for _, v := range views {
		if v.Err != nil {
			out = append(out, Silent{v.RR.Name, v.Err})
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
