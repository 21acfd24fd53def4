package verify

import (
	"net/netip"
	"time"

	"ipfabric/steps/vms"
)

// A Status is the outcome of one check of verify.
type Status = vms.Status

const (
	OK         = vms.OK
	Warn       = vms.Warn // worth a look; the fabric is still healthy
	Bad        = vms.Bad
	NotChecked = vms.NotChecked // what it depends on failed: Detail says what
)

// A Report is what verify found. It is also the JSON form: docs/verify.md
// describes it, and it only ever grows.
type Report struct {
	Fabric   string       `json:"fabric"`
	Time     time.Time    `json:"time"`
	Healthy  bool         `json:"healthy"`   // no check, session or VM is Bad or NotChecked because of one
	NotAsked []string     `json:"not_asked"` // routers that ipfabric does not log in to: how they see the fabric is not known
	Hosts    []HostReport `json:"hosts"`
	Sessions []Session    `json:"sessions"`
	VMs      []VMCheck    `json:"vms"`
}

// A HostReport is one host's own checks, each depending on those before it.
type HostReport struct {
	Host   string  `json:"host"`
	Role   string  `json:"role"` // "route-reflector", "core-gateway", "node"
	Checks []Check `json:"checks"`
}

// A Check is one question and its answer.
type Check struct {
	Name   string `json:"name"` // "reachable", "frr-running", "config-in-sync", "agent-healthy"
	Status Status `json:"status"`
	Detail string `json:"detail,omitempty"` // what was found, in a few words
	Hint   string `json:"hint,omitempty"`   // what to look at next, where it failed
}

// A Session is one address family of one BGP session of a route reflector,
// with what both ends say of it.
type Session struct {
	RR       string `json:"rr"`
	Peer     string `json:"peer"`
	PeerRole string `json:"peer_role"` // "route-reflector", "core-gateway", "node"; "unknown": the inventory does not have it
	Family   string `json:"family"`    // "ipv4-unicast", "ipv6-unicast", "l2vpn-evpn"
	Status   Status `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Hint     string `json:"hint,omitempty"`
	Cause    string `json:"cause,omitempty"` // the check that explains it: "rr1 frr-running"
	Near     End    `json:"near"`            // the reflector's end
	Far      End    `json:"far"`             // the peer's end
}

// An End is one side's view of a session.
type End struct {
	Host       string `json:"host"`
	Address    string `json:"address"`    // the other side's address, as configured here
	Asked      bool   `json:"asked"`      // false: this router is not managed and has no looking glass
	State      string `json:"state"`      // "Established", "Active" …; "" if not asked or no such neighbor
	Negotiated bool   `json:"negotiated"` // the address family was negotiated (RFC 4760)
	UptimeSec  int64  `json:"uptime_seconds"`
	Received   int    `json:"prefixes_received"` // before the inbound policy, or -1 where it is not known
	Accepted   int    `json:"prefixes_accepted"`
	LastError  string `json:"last_error,omitempty"` // why the session went down last
}

// A VMCheck is one VM of a node; or a route to the pools that a route reflector
// has and no agent wants; or all VMs of a node that cannot be asked for them.
type VMCheck struct {
	VM     string     `json:"vm"`   // "" for a route that is no VM's, and for a node's VMs that are not known
	Node   string     `json:"node"` // a next hop that is no node of the inventory: its address
	IPv4   netip.Addr `json:"ip,omitzero"`
	IPv6   netip.Addr `json:"ip6,omitzero"`
	State  string     `json:"state"` // as `ipfabric vm list` has it; "stray" for a route that is no VM's; "unknown"
	Status Status     `json:"status"`
	Detail string     `json:"detail,omitempty"` // also why a VM is rightly not announced
	Hint   string     `json:"hint,omitempty"`
	Cause  string     `json:"cause,omitempty"` // the check or session that explains it: "node1 frr-running"
	Seen   []vms.Seen `json:"seen"`            // by each route reflector that was asked; of a stray, by those that have it
}
