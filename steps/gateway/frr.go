package gateway

import (
	"fmt"
	"strings"
	"time"
)

// frrValues is what frr.tmpl prints.
type frrValues struct {
	Gateway
	CommunityList                          string // "65000:100 65000:200": a route must have all
	Placeholder                            string
	HoldSeconds, KeepSeconds, RetrySeconds int
	BFDProfile                             bool // other times than bfdd's own, 3 x 300 ms
	IntervalMS                             int64
	Groups                                 []frrGroup
}

// A frrGroup is the peer group of one IP version.
type frrGroup struct {
	Transport
	Name  string // "IPFABRIC-RR4"
	Match string // "ip" or "ipv6"
	Lists []frrPool
}

// A frrPool is one line of a prefix list.
type frrPool struct {
	Seq    int
	Permit string // "203.0.113.0/24 ge 32"
}

func frr(g Gateway) any {
	var communities []string
	for _, c := range g.Communities {
		communities = append(communities, c.String())
	}
	v := frrValues{
		Gateway: g, CommunityList: strings.Join(communities, " "), Placeholder: PasswordPlaceholder,
		HoldSeconds: seconds(g.HoldTime), KeepSeconds: seconds(g.Keepalive), RetrySeconds: seconds(g.ConnectRetry),
		BFDProfile: g.BFD.Enabled && (g.BFD.Multiplier != 3 || g.BFD.Interval != 300*time.Millisecond),
		IntervalMS: g.BFD.Interval.Milliseconds(),
	}
	for _, t := range g.Transports {
		group := frrGroup{Transport: t, Name: fmt.Sprintf("IPFABRIC-RR%d", t.Version), Match: "ip"}
		if t.Version == 6 {
			group.Match = "ipv6"
		}
		for i, p := range t.Pools {
			permit := p.String()
			if p.Bits() < t.Bits { // FRR refuses `ge 32` of a /32
				permit = fmt.Sprintf("%s ge %d", p, t.Bits)
			}
			group.Lists = append(group.Lists, frrPool{10 * (i + 1), permit})
		}
		v.Groups = append(v.Groups, group)
	}
	return v
}
