package vm

import (
	"net/netip"
	"time"
)

// A Status says how the agent, its node and the VMs on it are. It is what
// `ipfabric-agent status --json` prints. It can be read whatever the protocol
// of the other side: fields are only ever added.
type Status struct {
	Build
	Binary    Binary    `json:"binary"`
	Config    Config    `json:"config"`
	Started   time.Time `json:"started"`
	UptimeSec int64     `json:"uptime_seconds"`
	Healthy   bool      `json:"healthy"`  // no problems
	Problems  []string  `json:"problems"` // what keeps the agent from its work; never null
	Warnings  []string  `json:"warnings"` // what an operator should look at; never null
	// Findings are what the agent has looked for because it stops packets. Those
	// that are problems or warnings stand above as well, as sentences.
	Findings []Finding `json:"findings"` // never null
	Drained  bool      `json:"drained"`  // no VM is announced
	// StateWritable says whether VMs can be stored: whether there is room on the disk.
	StateWritable bool `json:"state_writable"`

	VMs       VMCounts  `json:"vms"`
	Routes    int       `json:"routes"` // of VMs, in the kernel
	FRR       FRR       `json:"frr"`
	Dropped   Dropped   `json:"dropped_packets"`
	Reconcile Reconcile `json:"reconcile"`
}

// VMCounts says how many VMs there are.
type VMCounts struct {
	Wanted    int `json:"wanted"`
	Present   int `json:"present"`   // have their interface
	Announced int `json:"announced"` // have their routes, which is what FRR needs
	Waiting   int `json:"waiting"`   // are about to arrive by live migration
	Off       int `json:"off"`       // are libvirt's or LXD's and do not run: not wanted
}

// An FRR says how bgpd on this node is.
type FRR struct {
	Up       bool      `json:"up"`
	Error    string    `json:"error,omitempty"`
	Sessions []Session `json:"sessions"` // never null
}

// A Session is one address family of one neighbor, as bgpd sees it.
type Session struct {
	Peer        string `json:"peer"`
	Name        string `json:"name,omitempty"` // its description
	Family      string `json:"family"`         // "ipv4-unicast", "ipv6-unicast", "l2vpn-evpn"
	State       string `json:"state"`          // "Established", "Active" …
	UptimeSec   int64  `json:"uptime_seconds"`
	Received    int    `json:"prefixes_received"`
	Sent        int    `json:"prefixes_sent"` // -1: this FRR does not say (before 8.0)
	Established bool   `json:"established"`
}

// Dropped counts packets that VMs may not send, such as those with a false source.
type Dropped struct {
	Reasons map[string]uint64 `json:"reasons"` // since the node was booted
	VMs     map[string]uint64 `json:"vms"`     // only those that had any in the last day
}

// A Reconcile is about the agent's passes over the VMs since it started.
type Reconcile struct {
	Full    int       `json:"full"`    // over all VMs
	Partial int       `json:"partial"` // over those where something had changed
	Failed  int       `json:"failed"`
	Changes int       `json:"changes"`
	Errors  int       `json:"errors"`
	Last    time.Time `json:"last"` // the last full one
	TookMS  float64   `json:"took_ms"`
}

// An Observed VM is what is wanted of a VM and how it is. Lists of VMs are made
// of it.
type Observed struct {
	VM
	Present   bool   `json:"present"`           // it has its interface
	Carrier   bool   `json:"carrier"`           // a guest is at the other end of it
	Routes    int    `json:"routes"`            // in the kernel
	Announced bool   `json:"announced"`         // FRR has what it needs to announce it
	Problem   string `json:"problem,omitempty"` // what keeps it from being as it should
	Dropped   uint64 `json:"dropped_packets"`   // packets of the last day that the VM may not send
	// Unannounced is why a VM that its phase announces is not announced for now: the
	// node was booted and another one may announce it, or it is one too many.
	Unannounced string `json:"unannounced,omitempty"`
	// Silent are addresses for which the attached guest does not answer ARP or
	// neighbor discovery.
	Silent []netip.Addr `json:"silent,omitempty"`
	// FileError is why its file cannot be used. Then only the name is certain; the
	// addresses and the interface are those that the kernel still has.
	FileError string `json:"file_error,omitempty"`
}

// A Change is what can be changed of a VM that is there.
type Change struct {
	Phase Phase `json:"phase"`
}

// A Config says which configuration the agent runs with.
type Config struct {
	File   string `json:"file"`
	SHA256 string `json:"sha256"` // of the file's bytes when the agent read it, in hex
	Fabric string `json:"fabric"`
	Node   string `json:"node"`
}

// A Binary is the program that runs.
type Binary struct {
	SHA256   string `json:"sha256"`   // in hex
	Replaced bool   `json:"replaced"` // its file is gone or another one by now
}
