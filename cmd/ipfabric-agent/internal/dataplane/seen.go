package dataplane

import (
	"net/netip"
	"slices"
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
	Alias     string
	AltNames  []string
	Owner     uint32 // of a tap
	Group     uint32 // of a tap
	Addrs     []netip.Prefix
	Neighbors []Neighbor        // the permanent ones
	Settings  map[string]string // by key; those that the kernel has
}

// unfit says why no VM can live behind the link, or "" if one can.
func (l *Link) unfit(index map[int]*Link) string {
	if l.Kind != "veth" && !l.Tap {
		kind := l.Kind
		if kind == "" {
			kind = "a physical interface"
		}
		return "it is neither a tap nor a veth but " + kind + ": left as it is"
	}
	if l.Master != 0 {
		master := "a bridge"
		if m := index[l.Master]; m != nil {
			master = m.Name
		}
		return "it is a port of " + master + ", so that it cannot be routed to: give the VM an interface without a bridge " +
			`(libvirt: <interface type='ethernet'>, LXD: nictype=p2p)`
	}
	return ""
}

// Host says why the link is the host's own and never a VM's: nobody has taken
// it up, and it has an address that no VM's interface has. It would lose that
// address, and the host its way to the world.
func (l *Link) Host(w Want) string {
	if name, _ := Marked(l.Alias); name != "" {
		return ""
	}
	for _, a := range l.Addrs {
		if !a.Addr().IsLinkLocalUnicast() && !slices.Contains(w.Addrs, a) {
			return "it has the address " + a.String() + " and so is the host's own: left as it is"
		}
	}
	return ""
}
