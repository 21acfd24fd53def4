package gateway

import "strings"

// junosValues is what junos.tmpl prints.
type junosValues struct {
	Gateway
	Members     string // "65000:100", or "[ 65000:100 65000:200 ]": a route must have all
	Placeholder string
	HoldSeconds int
	IntervalMS  int64
	Groups      []junosGroup
	// Versions are all IP versions, also those that the fabric has not: an
	// older text may have had them.
	Versions []int
}

// A junosGroup is the sessions of one IP version.
type junosGroup struct {
	Transport
	Family string // "inet"
}

func junos(g Gateway) any {
	var members []string
	for _, c := range g.Communities {
		members = append(members, c.String())
	}
	v := junosValues{
		Gateway: g, Members: strings.Join(members, " "), Placeholder: PasswordPlaceholder,
		HoldSeconds: seconds(g.HoldTime), IntervalMS: g.BFD.Interval.Milliseconds(), Versions: []int{4, 6},
	}
	if len(members) > 1 {
		v.Members = "[ " + v.Members + " ]"
	}
	for _, t := range g.Transports {
		family := "inet"
		if t.Version == 6 {
			family = "inet6"
		}
		v.Groups = append(v.Groups, junosGroup{t, family})
	}
	return v
}
