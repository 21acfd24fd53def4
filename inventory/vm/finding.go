package vm

// A Finding is one thing about a node that an operator should know of, with what
// causes it.
type Finding struct {
	Code  FindingCode `json:"code"`
	Level Level       `json:"level"`
	Text  string      `json:"text"`           // one sentence without a full stop
	Hint  string      `json:"hint,omitempty"` // what to do now
	VMs   []string    `json:"vms,omitempty"`  // it is about these; none: about the whole node
}

// String is the text with the hint.
func (f Finding) String() string {
	if f.Hint == "" {
		return f.Text
	}
	return f.Text + " (" + f.Hint + ")"
}

// A Level says how grave a Finding is.
type Level string

const (
	IsProblem Level = "problem" // packets are lost: the node is not healthy
	IsWarning Level = "warning" // packets may be lost
	IsNote    Level = "note"    // about a guest, and not the node's
)

// A FindingCode says what was found, for programs. New ones may be added.
type FindingCode string

const (
	FilterDrops      FindingCode = "filter-drops"      // another program's nftables chain drops VMs' packets
	RuleDiverts      FindingCode = "rule-diverts"      // a rule (ip rule) sends VMs' packets elsewhere
	UplinkForwarding FindingCode = "uplink-forwarding" // forwarding is off on the uplink
	IPv6Disabled     FindingCode = "ipv6-disabled"     // the uplink has no IPv6
	ConntrackFull    FindingCode = "conntrack-full"    // the table of connections is full
	NeighborsFull    FindingCode = "neighbors-full"    // a neighbor table is full
	GuestSilent      FindingCode = "guest-silent"      // a guest does not answer for its address

	MaxPrefixes        FindingCode = "max-prefixes"        // the node has as many VMs as route reflectors accept, or nearly
	AnnouncedElsewhere FindingCode = "announced-elsewhere" // a VM without a guest, not announced because another node announces it
	Waits              FindingCode = "waits-for-routes"    // the same, while it is not known whether another node does
)
