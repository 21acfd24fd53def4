package dataplane

import (
	"fmt"
	"net/netip"
)

// A Verb says what an Op does.
type Verb string

// The verbs, with the fields of Op that each uses besides VM and Device.
const (
	MakeTap     Verb = "make tap"        // Owner, Group, MultiQueue
	DeleteLink  Verb = "delete"          //
	Rename      Verb = "name it again"   // Value, what it is called now
	SetAlias    Verb = "set alias"       // Value
	AddAltName  Verb = "add altname"     // Value
	DelAltName  Verb = "remove altname"  // Value
	SetMAC      Verb = "set mac"         // Value
	SetMTU      Verb = "set mtu"         // MTU
	SetARP      Verb = "set arp on"      //
	SetUp       Verb = "set up"          //
	SetDown     Verb = "set down"        //
	SetOwner    Verb = "set owner"       // Owner, Group, MultiQueue
	Set         Verb = "set"             // Key, Value, Optional
	AddAddr     Verb = "add address"     // Prefix
	DelAddr     Verb = "remove address"  // Prefix
	SetNeighbor Verb = "set neighbor"    // Prefix, Value (a MAC)
	DelNeighbor Verb = "remove neighbor" // Prefix
	AddRoute    Verb = "add route"       // Prefix, Metric
	DelRoute    Verb = "remove route"    // Prefix, Metric, Index
	AddFallback Verb = "add fallback"    // Prefix; it goes with the link, or when that is set down
)

// An Op is one change of the kernel's state.
type Op struct {
	VM     string // "" is a route that belongs to none
	Device string
	Verb   Verb

	Prefix       netip.Prefix
	Metric       int
	MTU          int
	Index        int // of the link a route leads to
	Key, Value   string
	Optional     bool
	Owner, Group string
	MultiQueue   bool
}

// String says what is done, for logs and tests.
func (o Op) String() string {
	s := o.Device + ": " + string(o.Verb)
	switch o.Verb {
	case MakeTap, SetOwner:
		return fmt.Sprintf("%s owner %q group %q", s, o.Owner, o.Group)
	case SetAlias, AddAltName, DelAltName, SetMAC, Rename:
		return s + " " + o.Value
	case Set:
		return s + " " + o.Key + "=" + o.Value
	case AddAddr, DelAddr, DelNeighbor, AddFallback:
		return s + " " + o.Prefix.String()
	case SetNeighbor:
		return s + " " + o.Prefix.Addr().String() + " " + o.Value
	case SetMTU:
		return fmt.Sprintf("%s %d", s, o.MTU)
	case AddRoute, DelRoute:
		return fmt.Sprintf("%s %s metric %d", s, o.Prefix, o.Metric)
	}
	return s
}
