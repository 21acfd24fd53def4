package verify

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
)

// expected is one address family of a session that the fabric is to have.
type expected struct {
	rr, peer         inventory.HostRole
	family           string
	rrAddr, peerAddr netip.Addr // the ends of the session
}

// expectedSessions lists them by reflector: its other reflectors, the core
// gateways, the nodes. A pair of reflectors stands with the first of them.
// The sessions are those that frr.conf is rendered with.
func expectedSessions(f *inventory.Fabric) []expected {
	var out []expected
	hosts := f.Hosts()
	for i, rr := range hosts[:len(f.RouteReflectors)] {
		for _, peer := range hosts[i+1:] {
			var evpn *expected
			for _, t := range f.Transports() {
				e := expected{rr, peer, "ipv" + t.Version + "-unicast", t.Addr(rr.Host), t.Addr(peer.Host)}
				if !e.rrAddr.IsValid() || !e.peerAddr.IsValid() {
					continue
				}
				out = append(out, e)
				if f.VXLAN && evpn == nil && peer.Role != inventory.RoleCoreGateway {
					evpn = &e
				}
			}
			if evpn != nil {
				evpn.family = bgp.EVPN
				out = append(out, *evpn)
			}
		}
	}
	return out
}

// A judge says how one expected session is, from what its two ends say.
type judge struct {
	f         *inventory.Fabric
	expected  expected
	near, far *sight // the reflector and its peer
}

// A side is one end of a session, as its own router sees it.
type side struct {
	*sight
	own, other netip.Addr // the addresses of this end and of the other
	otherHost  inventory.HostRole
	known      bool     // it has such a neighbor
	peer       bgp.Peer // zero unless known
	family     bgp.Family
}

func (j judge) sides() (near, far side) {
	e := j.expected
	make := func(s *sight, own, other netip.Addr, host inventory.HostRole) side {
		p, known := s.peers[bgp.PeerKey(other.String())]
		return side{s, own, other, host, known, p, p.Families[e.family]}
	}
	return make(j.near, e.rrAddr, e.peerAddr, e.peer), make(j.far, e.peerAddr, e.rrAddr, e.rr)
}

// seen says whether this end told us what it sees.
func (s side) seen() bool { return s.peers != nil }

// missing says whether this end's view is needed, and not there. A core gateway's is not: that its looking glass
// gives no answer is a problem of its own, and the reflector sees the session as it does without one.
func (s side) missing() bool { return !s.seen() && !s.isCore() }

func (s side) name() string { return s.host.Name }

// frr says whether an FRR that ipfabric looks after runs at this end.
func (s side) frr() bool { return s.asked && !s.isCore() }

func (j judge) session() Session {
	e := j.expected
	near, far := j.sides()
	s := Session{
		RR: e.rr.Name, Peer: e.peer.Name, PeerRole: e.peer.Role, Family: e.family,
		Near: near.end(far), Far: far.end(near),
	}
	s.Status, s.Detail, s.Hint = j.verdict(near, far)
	if s.Status != OK && !j.refuses(near, far) {
		s.Cause, _ = j.cause(near, far)
	}
	return s
}

// end gives this side for the report. What came in before the inbound policy
// is what the other side says it sent: FRR does not keep count of it.
func (s side) end(other side) End {
	e := End{Host: s.name(), Address: s.other.String(), Asked: s.asked, State: s.peer.State, LastError: s.peer.LastError, Received: -1}
	if !s.peer.Up() {
		return e
	}
	e.Negotiated, e.Accepted = s.family.Negotiated, s.family.Accepted
	e.UptimeSec = max(0, int64(s.peer.Since/time.Second))
	if s.family.Negotiated && other.family.Negotiated {
		e.Received = other.family.Sent
	}
	return e
}

func (j judge) verdict(near, far side) (status Status, detail, hint string) {
	var asked, seen []side
	for _, s := range []side{near, far} {
		if s.asked {
			asked = append(asked, s)
		}
		if s.seen() {
			seen = append(seen, s)
		}
	}
	isDown := func(s side) bool { return !s.peer.Up() }
	lacksFamily := func(s side) bool { return !s.family.Negotiated }
	switch {
	case len(seen) == 0:
		return NotChecked, each(asked, side.blindness), ""
	case slices.ContainsFunc(seen, isDown):
		return Bad, each(asked, side.describe), j.downHint(near, far)
	case slices.ContainsFunc(seen, lacksFamily):
		lacking := withoutFamily(near, far)
		return Bad, fmt.Sprintf("established, but %s was not negotiated: %s does not offer it", j.expected.family, lacking.name()), repair(lacking)
	case slices.ContainsFunc(asked, side.missing):
		return NotChecked, each(asked, side.describe), ""
	}
	return j.upVerdict(near, far)
}

// refuses says whether a session is up, and an end does not accept what it should: a reflector the
// routes of a node, or a core gateway those of a reflector.
func (j judge) refuses(near, far side) bool {
	if j.expected.family == bgp.EVPN {
		return false
	}
	end := near.end(far) // Received is -1 unless both ends are up
	if j.expected.peer.Role == inventory.RoleCoreGateway {
		end = far.end(near)
	}
	return j.expected.peer.Role != inventory.RoleRouteReflector && end.Accepted < end.Received
}

// upVerdict is about a session that is up.
func (j judge) upVerdict(near, far side) (status Status, detail, hint string) {
	nearEnd, farEnd := near.end(far), far.end(near)
	switch peer := j.expected.peer; {
	case j.refuses(near, far) && peer.Role == inventory.RoleNode:
		return Bad, accepts(near, far, nearEnd),
			"a VM's address outside the pools, or a route without the fabric's community, is filtered; what " + far.name() + " announces: " +
				j.f.SSHLine(far.host.Host, fmt.Sprintf("vtysh -c 'show bgp %s neighbors %s advertised-routes'", strings.Replace(j.expected.family, "-", " ", 1), far.other))
	case j.refuses(near, far):
		hint = fmt.Sprintf("is the import policy of %s the one that `ipfabric gateway %s` prints?", peer.Name, peer.Name)
		if farEnd.Accepted == 0 {
			return Bad, accepts(far, near, farEnd), "no traffic from outside reaches the VMs by this way; " + hint
		}
		return Warn, accepts(far, near, farEnd), "traffic from outside does not reach the rest; " + hint
	}
	// An FRR that is no good at BFD has none, and the other end's stays down.
	without := func(s side) bool { return s.frr() && s.peer.BFD == "" }
	if !j.f.BGP.BFD.Enabled || without(near) || without(far) {
		return OK, "", ""
	}
	for _, s := range []side{near, far} {
		// It may come up a moment after BGP.
		if s.frr() && s.peer.BFD != "Up" && s.peer.Since > 30*time.Second {
			return Warn, fmt.Sprintf("BFD is %s at %s: a failure is noticed after the hold time of %s only", strings.ToLower(s.peer.BFD), s.name(), j.f.BGP.HoldTime),
				fmt.Sprintf("do 3784/udp and 4784/udp pass between %s and %s, and is BFD set up on both? ", s.name(), s.otherHost.Name) +
					j.f.SSHLine(s.host.Host, "vtysh -c 'show bfd peers'")
		}
	}
	return OK, "", ""
}

func accepts(s, from side, e End) string {
	prefixes := "prefixes"
	if e.Received == 1 {
		prefixes = "prefix"
	}
	return fmt.Sprintf("%s accepts %d of the %d %s that %s sends", s.name(), e.Accepted, e.Received, prefixes, from.name())
}

// withoutFamily returns the end that keeps the family from being negotiated.
func withoutFamily(near, far side) side {
	if near.seen() && !near.family.Offered || far.seen() && far.family.Offered && !far.family.Wanted {
		return near
	}
	return far
}

// describe says what this side sees.
func (s side) describe() string {
	switch {
	case !s.seen():
		return s.blind
	case !s.known:
		return fmt.Sprintf("%s has no neighbor %s", s.name(), s.other)
	case s.peer.Shutdown:
		return "shut down at " + s.name()
	}
	text := s.peer.State + " at " + s.name()
	if s.peer.Up() {
		return text
	}
	if s.peer.Since >= 0 {
		text += " for " + age(s.peer.Since)
	} else {
		text += ", never up"
	}
	if s.peer.LastError != "" {
		text += ", last error: " + s.peer.LastError
	}
	return text
}

func (s side) blindness() string { return s.blind }

func each(sides []side, say func(side) string) string {
	var out []string
	for _, s := range sides {
		out = append(out, say(s))
	}
	return strings.Join(out, "; ")
}

// age gives a duration as people say it.
func age(d time.Duration) string {
	if d >= 24*time.Hour {
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return d.Round(time.Second).String()
}
