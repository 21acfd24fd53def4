package gateway

import (
	"fmt"
	"strings"
)

// birdValues is what bird.tmpl prints.
type birdValues struct {
	Gateway
	Placeholder                            string
	Condition                              string // the communities, as part of a filter's condition
	HoldSeconds, KeepSeconds, RetrySeconds int
	IntervalMS                             int64
	Filters                                []birdFilter
	Sessions                               []birdSession
}

// A birdFilter accepts the VMs' routes of one IP version.
type birdFilter struct {
	Name, Pools string // "ipfabric_vm4_in", "203.0.113.0/24{32,32}"
}

// A birdSession is the session with one reflector over one IP version.
type birdSession struct {
	Name    string // "ipfabric_rr1_v4"
	Filter  string
	Channel string // "ipv4"
	Local   string
	Neighbor
}

func bird(g Gateway) any {
	v := birdValues{
		Gateway: g, Placeholder: PasswordPlaceholder,
		HoldSeconds: seconds(g.HoldTime), KeepSeconds: seconds(g.Keepalive), RetrySeconds: seconds(g.ConnectRetry),
		IntervalMS: g.BFD.Interval.Milliseconds(),
	}
	var conditions []string
	for _, c := range g.Communities {
		conditions = append(conditions, fmt.Sprintf("(%d,%d) ~ bgp_community", c.High, c.Low))
	}
	v.Condition = strings.Join(conditions, " && ")
	taken := map[string]bool{}
	for _, t := range g.Transports {
		var pools []string
		for _, p := range t.Pools {
			pools = append(pools, fmt.Sprintf("%s{%d,%d}", p, t.Bits, t.Bits))
		}
		filter := birdFilter{fmt.Sprintf("ipfabric_vm%d_in", t.Version), strings.Join(pools, ", ")}
		v.Filters = append(v.Filters, filter)
		for _, n := range t.Neighbors {
			name := birdName(n.Name, t.Version, taken)
			v.Sessions = append(v.Sessions, birdSession{name, filter.Name, fmt.Sprintf("ipv%d", t.Version), t.Local.String(), n})
		}
	}
	return v
}

// birdName makes the name of a session that no other one has. A name in BIRD
// has letters, digits and _, and at most 63 of them.
func birdName(host string, version int, taken map[string]bool) string {
	host = strings.NewReplacer("-", "_", ".", "_").Replace(host)
	host = host[:min(len(host), 45)]
	name := fmt.Sprintf("ipfabric_%s_v%d", host, version)
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("ipfabric_%s_%d_v%d", host, i, version)
	}
	taken[name] = true
	return name
}
