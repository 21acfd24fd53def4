package vms

import (
	"net/netip"
	"slices"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
)

// A VM is one virtual machine as the agent of its node describes it.
type VM struct {
	Node string `json:"node"`
	vm.Observed
}

// The agent's phases of a VM. Only in the first two it has routes.
const (
	PhaseLive      = vm.Live
	PhaseMigrating = vm.Migrating // preferred by all routers: LOCAL_PREF 200
	PhaseWaiting   = vm.Waiting
	PhaseWithdrawn = vm.Withdrawn
	PhaseOff       = vm.Off // libvirt's or LXD's that does not run: the agent only lists it
)

const SourceAPI = vm.API

// States of a VM that are no phase and that more than one place tells.
const (
	stateProblem = "problem"
	stateDrained = "drained"
	// stateHeldBack is a VM that its node does not announce for now, though its phase
	// says so: the node was booted and another one announces it, or it is one too many.
	stateHeldBack = "held back"
)

// State says in a word or two how the VM is on its node: "announced",
// "migrating" (announced and preferred), or what is in the way. A VM without a
// guest is announced too, but for FRR 10, which waits for the guest.
func (v VM) State() string {
	switch {
	case v.Problem != "":
		return stateProblem
	case v.Phase == PhaseWaiting || v.Phase == PhaseWithdrawn || v.Phase == PhaseOff:
		return string(v.Phase)
	case v.Unannounced != "":
		return stateHeldBack
	case !v.Present:
		return "no interface"
	case v.Routes == 0:
		return stateDrained
	case !v.Carrier:
		return "no guest"
	case v.Phase == PhaseMigrating:
		return string(PhaseMigrating)
	}
	return "announced"
}

// Hindrance says why the VM's node does not announce it, "" if it does. That a
// guest is missing is none: only FRR 10 waits for it.
func (v VM) Hindrance() string {
	switch vm.Phase(v.State()) {
	case stateProblem:
		return v.Problem
	case PhaseWaiting:
		return "it is arriving by live migration: its guest's first packet on " + v.Node + " makes the agent announce it"
	case PhaseWithdrawn:
		return "it is withdrawn"
	case PhaseOff:
		return "it is off"
	case stateHeldBack:
		return v.Unannounced
	case "no interface":
		return "its interface " + v.Interface + " is not there yet: the agent takes it up, and announces it, when it appears"
	case stateDrained:
		return v.Node + " is drained"
	}
	return ""
}

// GuestMissing says that nothing is at the other end of the VM's interface, ""
// if something is, or if the VM is off.
func (v VM) GuestMissing() string {
	switch {
	case v.Phase == PhaseOff:
		return ""
	case !v.Present:
		return "its interface " + v.Interface + " is not there yet"
	case !v.Carrier:
		return "no guest is attached to " + v.Interface + " yet"
	}
	return ""
}

func addrList(addrs []netip.Addr) string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return step.AndList(out)
}

// nodesOf names the nodes of VMs, each once.
func nodesOf(vms []VM) []string {
	var out []string
	for _, v := range vms {
		if !slices.Contains(out, v.Node) {
			out = append(out, v.Node)
		}
	}
	return out
}
