package vms

import (
	"net/netip"
	"slices"

	"ipfabric/steps/step"
)

// A Status says how much a finding weighs.
type Status string

const (
	OK         Status = "ok"
	Warn       Status = "warning" // worth a look; packets reach the VM
	Bad        Status = "failed"
	NotChecked Status = "not-checked" // what it depends on failed: the text says what
)

// A Code says what a finding is about, for programs. New ones may be added.
type Code string

const (
	Resting         Code = "resting"         // rightly not announced: the text says why
	AgentProblem    Code = "problem"         // the agent has a problem with the VM
	FileLost        Code = "file-lost"       // the agent cannot use the VM's file
	NoInterface     Code = "no-interface"    // its interface is missing
	NoKernelRoute   Code = "no-kernel-route" // a route is missing in its node's kernel
	NotAnnounced    Code = "not-announced"   // the agent does not announce it, and it is not known why
	NoGuest         Code = "no-guest"        // nothing is attached to its interface
	OutsidePools    Code = "outside-pools"   // FRR announces only addresses of the pools
	NoRoute         Code = "no-route"        // a reflector has no route to it by its node
	NoCommunity     Code = "no-community"    // a reflector has its route without a community
	RouteUnknown    Code = "route-unknown"   // a reflector does not say what it has
	RouteLeft       Code = "route-left"      // not announced, and a reflector has a route all the same
	Moving          Code = "moving"          // two nodes announce it, as in a move
	MoveCutOff      Code = "move-cut-off"    // a move of it was begun and not finished
	Doubled         Code = "doubled"         // two nodes announce it, and neither has it by a move; or the preferred one has no guest
	TooMany         Code = "too-many"        // not announced, as its node has as many VMs as reflectors accept
	NearLimit       Code = "near-limit"      // a node has nearly as many VMs as reflectors accept
	Hijacked        Code = "hijacked"        // a router that has no such VM announces its address
	HijackUnknown   Code = "hijack-unknown"  // a node that does not list its VMs announces its address
	AddressClash    Code = "address-clash"   // another VM has its address too
	Stray           Code = "stray"           // a route to the pools that is no VM's
	VMsUnknown      Code = "vms-unknown"     // the agent of a node does not list its VMs
	AgentUnhealthy  Code = "agent-unhealthy" // the agent of a node has problems, or does not answer
	AgentWarning    Code = "agent-warning"   // the agent of a node has something to look at
	FRRDown         Code = "frr-down"        // the FRR of a node announces nothing
	agentHealthy    Code = "agent-healthy"   // the only finding that is never listed
	justChangedHint      = "this has just changed, and may be right in a moment: look again"
)

// A Finding is one thing that Judge found out about a VM, about a route that is
// no VM's, or about a node. As JSON it is a part of `ipfabric vm list --json`.
type Finding struct {
	VM     string     `json:"vm,omitempty"`  // "" if it is not about a VM
	Node   string     `json:"node"`          // the VM's; of a stray route the next hop's address if that is no node's
	Addr   netip.Addr `json:"ip,omitzero"`   // of a stray route
	RRs    []string   `json:"rrs,omitempty"` // the route reflectors that it comes from
	Code   Code       `json:"code"`
	Status Status     `json:"status"`
	Text   string     `json:"detail"` // one sentence, without the VM's name
	Hint   string     `json:"hint,omitempty"`
}

// IsProblem says whether an operator should look at a finding.
func (f Finding) IsProblem() bool { return f.Status == Bad || f.Status == Warn }

// merge makes one finding of those of different route reflectors that are the
// same but for the reflector: "rr1 and rr2 have no route to …".
func merge(all []Finding) []Finding {
	var out []Finding
	for _, f := range all {
		same := func(x Finding) bool { return x.Code == f.Code && x.Status == f.Status && x.Text == f.Text }
		i := slices.IndexFunc(out, same)
		if i < 0 {
			f.RRs = slices.Clone(f.RRs)
			out = append(out, f)
			continue
		}
		for _, rr := range f.RRs {
			if !slices.Contains(out[i].RRs, rr) {
				out[i].RRs = append(out[i].RRs, rr)
			}
		}
	}
	for i, f := range out {
		if len(f.RRs) > 0 {
			out[i].Text = step.Have(f.RRs) + " " + f.Text
		}
	}
	return out
}

// Confirmed returns the second of two lists of findings. VMs come and go between
// the answers of agents and reflectors: where nothing was wrong in the first
// list, what is wrong in the second is a warning.
func Confirmed(first, second []Finding) []Finding {
	type about struct {
		vm, node string
		addr     netip.Addr
	}
	bad := map[about]bool{}
	for _, f := range first {
		if f.Status == Bad {
			bad[about{f.VM, f.Node, f.Addr}] = true
		}
	}
	out := slices.Clone(second)
	for i, f := range out {
		if f.Status == Bad && !bad[about{f.VM, f.Node, f.Addr}] {
			out[i].Status, out[i].Hint = Warn, justChangedHint
		}
	}
	return out
}
