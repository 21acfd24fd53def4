package render

import (
	_ "embed"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ipfabric/inventory"
)

//go:embed templates/bird.conf.tmpl
var birdText string

type birdSession struct {
	Name            string
	V4              bool
	Local, Neighbor netip.Addr
}

// Bird renders bird.conf for a core gateway of the fabric: what the Junos
// snippet says, in BIRD's words. The password must have been read.
func Bird(f *inventory.Fabric, core inventory.CoreGateway) ([]byte, error) {
	password := f.BGP.Password.Reveal()
	if strings.ContainsAny(password, "\"\n\r\x00") {
		return nil, fmt.Errorf("%s: BIRD cannot have this BGP password: it has a quote or a line break in it", core.Name)
	}
	var sessions []birdSession
	for _, rr := range f.RouteReflectors {
		// Protocol names are letters, digits and _.
		name := strings.NewReplacer("-", "_", ".", "_").Replace(rr.Name)
		if f.HasIPv4() && rr.IPv4.IsValid() && core.IPv4.IsValid() {
			sessions = append(sessions, birdSession{name + "_v4", true, core.IPv4, rr.IPv4})
		}
		if f.HasIPv6() && rr.IPv6.IsValid() && core.IPv6.IsValid() {
			sessions = append(sessions, birdSession{name + "_v6", false, core.IPv6, rr.IPv6})
		}
	}
	var communities []string
	for _, c := range f.Communities {
		communities = append(communities, fmt.Sprintf("(%d,%d) ~ bgp_community", c.High, c.Low))
	}
	return execute("bird.conf", birdText, map[string]any{
		"Core":         core.Name,
		"AS":           uint32(f.AS),
		"RouterID":     core.RouterID,
		"Communities":  strings.Join(communities, " && "),
		"Pools4":       hostRoutes(f.Pools4()),
		"Pools6":       hostRoutes(f.Pools6()),
		"Password":     password,
		"Hold":         int(f.BGP.HoldTime / time.Second),
		"Keepalive":    int(f.BGP.Keepalive / time.Second),
		"ConnectRetry": int(f.BGP.ConnectRetry / time.Second),
		"BFD":          f.BGP.BFD.Enabled,
		"BFDInterval":  f.BGP.BFD.Interval.Milliseconds(),
		"Multiplier":   f.BGP.BFD.Multiplier,
		"MaxPrefixes":  f.BGP.CoreMaxPrefixes,
		"Sessions":     sessions,
	})
}

// hostRoutes writes pools as a BIRD set of the single addresses in them.
func hostRoutes(pools []netip.Prefix) string {
	var out []string
	for _, p := range pools {
		bits := p.Addr().BitLen()
		out = append(out, fmt.Sprintf("%s{%d,%d}", p, bits, bits))
	}
	return strings.Join(out, ", ")
}
