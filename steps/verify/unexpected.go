package verify

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
)

// unexpectedSessions lists the neighbors that managed hosts have beside those of the
// inventory. They may bring in unexpected routes. Those in the
// operator's own lines of frr.conf are no surprise, and the other sessions of
// a core gateway are not judged here.
func unexpectedSessions(f *inventory.Fabric, sights []*sight) []Session {
	known := map[string]bool{} // host and address
	for _, e := range expectedSessions(f) {
		known[e.rr.Name+" "+e.peerAddr.String()] = true
		known[e.peer.Name+" "+e.rrAddr.String()] = true
	}
	names := map[string]string{}
	for _, h := range f.Hosts() {
		for _, a := range h.Addresses() {
			names[a.String()] = h.Name
		}
	}
	var out []Session
	for _, s := range sights {
		if s.isCore() {
			continue
		}
		for _, addr := range slices.Sorted(maps.Keys(s.peers)) {
			if known[s.host.Name+" "+addr] || mentions(s.extra, addr) {
				continue
			}
			name := addr
			if n := names[addr]; n != "" {
				name = n
			}
			out = append(out, unexpectedNeighbor(f, s, addr, name)...)
		}
	}
	return out
}

var wordRE = regexp.MustCompile(`\S+`)

// mentions says whether a neighbor is named in the operator's lines.
func mentions(extra, addr string) bool {
	return slices.ContainsFunc(wordRE.FindAllString(extra, -1), func(w string) bool { return bgp.PeerKey(w) == addr })
}

// unexpectedNeighbor gives one neighbor that should not be there, with each of its
// families. Of a node, the neighbor takes the place of a reflector.
func unexpectedNeighbor(f *inventory.Fabric, s *sight, addr, name string) []Session {
	p := s.peers[addr]
	families := slices.Sorted(maps.Keys(p.Families))
	if len(families) == 0 {
		families = []string{""}
	}
	var out []Session
	for _, family := range families {
		own := side{sight: s, known: true, peer: p, family: p.Families[family]}.end(side{})
		own.Address = addr
		session := Session{
			RR: s.host.Name, Peer: name, PeerRole: "unknown", Family: family, Status: Warn, Near: own,
			Far:    End{Host: name, Received: -1},
			Detail: fmt.Sprintf("%s has the neighbor %s, which it should not have (%s)", s.host.Name, addr, p.State),
			Hint:   fmt.Sprintf("`ipfabric init --limit %s` removes it; if it is meant to be there, put it into frr.extra of the inventory; %s", s.host.Name, f.SSHLine(s.host.Host, "vtysh -c 'show bgp neighbors "+addr+"'")),
		}
		if s.host.Role == inventory.RoleNode {
			session.RR, session.Peer, session.PeerRole = name, s.host.Name, s.host.Role
			session.Near, session.Far = session.Far, session.Near
		}
		out = append(out, session)
	}
	return out
}
