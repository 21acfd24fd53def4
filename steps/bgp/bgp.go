package bgp

import (
	"net/netip"
	"time"
)

// Address families, as reports call them.
const (
	IPv4Unicast = "ipv4-unicast"
	IPv6Unicast = "ipv6-unicast"
	EVPN        = "l2vpn-evpn"
)

// established is the only state in which a session carries routes (RFC 4271, 8.2.2).
const established = "Established"

// Peers is what one router says of its neighbors, by their addresses. An
// empty one is a router without neighbors, nil is one that gave no answer.
type Peers map[string]Peer

// A Peer is what a router says of one neighbor.
type Peer struct {
	State     string        // "Established", "Active" …
	Since     time.Duration // for how long the session is up, or down; -1 if it never was up, or the router does not say
	Shutdown  bool          // somebody switched this neighbor off on this router
	LastError string        // why the session went down last, "" if nothing is known or it never did
	BFD       string        // "Up", "Down" …; "" where BFD is off or the router does not say
	Families  map[string]Family
}

// A Family is one address family of a neighbor that is configured on this
// router.
type Family struct {
	Offered    bool // by this router in its OPEN; false while there is no session
	Wanted     bool // by the neighbor in its OPEN
	Negotiated bool // both, so routes of this family are exchanged (RFC 4760)
	Accepted   int  // prefixes left by the inbound policy
	Sent       int  // prefixes sent to the neighbor, or -1 where it is not known
}

// Up says whether the session is there, whatever it carries.
func (p Peer) Up() bool { return p.State == established }

// PeerKey gives an address in the form that Peers has. What is no address,
// such as an interface's name, stays as it is.
func PeerKey(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone("").String()
	}
	return s
}
