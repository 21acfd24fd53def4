package dataplane

import (
	"net/netip"
	"slices"
	"strings"
)

// A Seen is what is in the kernel.
type Seen struct {
	Links map[string]*Link // by name
	// Routes with our protocol number, in the main table.
	Routes []SeenRoute
	// NoAltNames is a kernel older than 5.5, which has no alternative names.
	NoAltNames bool
}

// A SeenRoute is a route and the index of the link it leads to (0: none).
type SeenRoute struct {
	Route
	Link int
}

// A Link is a network interface of the host.
type Link struct {
	Index     int
	Name      string
	Kind      string // "tun" (a tap too), "veth", "bridge", "" for hardware …
	Tap       bool
	Master    int // index of the bridge or bond it is a port of; 0 is none
	MAC       string
	Up        bool // set up by an administrator
	Carrier   bool // the other end is there
	NoARP     bool
	MTU       int // 0: not known
	Alias     string
	Made      bool // its alias may not say so any more, but it is known to be the agent's
	AltNames  []string
	Owner     uint32 // of a tap
	Group     uint32 // of a tap
	Addrs     []netip.Prefix
	Neighbors []Neighbor        // the permanent ones
	Settings  map[string]string // by key; those that the kernel has

	// These two are looked for only where they matter: on a link that a VM wants
	// and that has no mark of the agent's yet.
	Uppers []string       // links that are made on top of it, such as VLANs
	Others []netip.Prefix // where routes of other programs over it lead
}

// Unfit says why no VM can live behind the link, or "" if one can. others are
// all links by index, as far as they are known.
func (l *Link) Unfit(w Want, others map[int]*Link) string {
	if l.Kind != "veth" && !l.Tap {
		kind := l.Kind
		if kind == "" {
			kind = "a physical interface"
		}
		return "it is neither a tap nor a veth but " + kind + ": left as it is"
	}
	if l.Master != 0 {
		master := "a bridge"
		if m := others[l.Master]; m != nil {
			master = m.Name
		}
		return "it is a port of " + master + ", so that it cannot be routed to: give the VM an interface without a bridge " +
			`(libvirt: <interface type='ethernet'>, LXD: nictype=p2p)`
	}
	return l.Host(w)
}

// Host says why the link is the host's own and never a VM's, or "": it
// has no mark of the agent's, and something relies on it. It would lose its address, and the
// host its way to the world.
func (l *Link) Host(w Want) string {
	if name, _ := Marked(l.Alias); name != "" {
		return ""
	}
	if why := l.reliedOn(w); why != "" {
		return why + "; it is the host's own and left as it is"
	}
	return ""
}

func (l *Link) reliedOn(w Want) string {
	for _, a := range l.Addrs {
		if !a.Addr().IsLinkLocalUnicast() && !slices.Contains(w.Addrs, a) {
			return "it has the address " + a.String()
		}
	}
	if len(l.Uppers) > 0 {
		return strings.Join(l.Uppers, " and ") + " is on top of it"
	}
	for _, r := range l.Others {
		if !r.IsSingleIP() || !slices.Contains(w.Guest, r.Addr()) {
			return "a route to " + r.String() + " leads over it"
		}
	}
	return ""
}

// Unfit says which links of seen no VM can live behind, though one of wants
// does: it returns their names. A link that has been a VM's is not among them,
// whatever has become of it: what comes from it is a VM's.
func Unfit(wants []Want, seen Seen) map[string]bool {
	out := map[string]bool{}
	for _, w := range wants {
		l := seen.Links[w.Device]
		if l == nil {
			continue
		}
		if name, _ := Marked(l.Alias); name == "" && l.Unfit(w, nil) != "" {
			out[w.Device] = true
		}
	}
	return out
}
