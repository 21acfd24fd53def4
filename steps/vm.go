package steps

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory/vm"
)

// A VM is one virtual machine as the agent of its node describes it.
type VM struct {
	Node string `json:"node"`
	vm.Observed
}

// The agent's phases of a VM. Only in the first two it has routes.
const (
	phaseLive      = vm.Live
	phaseMigrating = vm.Migrating // preferred by all routers: LOCAL_PREF 200
	phaseWaiting   = vm.Waiting
	phaseWithdrawn = vm.Withdrawn
	phaseOff       = vm.Off // libvirt's or LXD's that does not run: the agent only lists it
)

const sourceAPI = vm.API

// State says in a word or two how the VM is on its node: "announced",
// "migrating" (announced and preferred), or what is in the way. A VM without a
// guest is announced too, but for FRR 10, which waits for the guest.
func (v VM) State() string {
	switch {
	case v.Problem != "":
		return "problem"
	case v.Phase == phaseWaiting || v.Phase == phaseWithdrawn || v.Phase == phaseOff:
		return string(v.Phase)
	case !v.Present:
		return "no interface"
	case v.Routes == 0:
		return "drained"
	case !v.Carrier:
		return "no guest"
	case v.Phase == phaseMigrating:
		return string(phaseMigrating)
	}
	return "announced"
}

// Hindrance says why the VM's node does not announce it, "" if it does. That a
// guest is missing is none: only FRR 10 waits for it.
func (v VM) Hindrance() string {
	switch vm.Phase(v.State()) {
	case "problem":
		return v.Problem
	case phaseWaiting:
		return "it is arriving by live migration: its guest's first packet on " + v.Node + " makes the agent announce it"
	case phaseWithdrawn:
		return "it is withdrawn"
	case phaseOff:
		return "it is off"
	case "no interface":
		return "its interface " + v.Interface + " is not there yet: the agent takes it up, and announces it, when it appears"
	case "drained":
		return v.Node + " is drained"
	}
	return ""
}

// GuestMissing says that nothing is at the other end of the VM's interface, ""
// if something is, or if the VM is off.
func (v VM) GuestMissing() string {
	switch {
	case v.Phase == phaseOff:
		return ""
	case !v.Present:
		return "its interface " + v.Interface + " is not there yet"
	case !v.Carrier:
		return "no guest is attached to " + v.Interface + " yet"
	}
	return ""
}

// parseVMs reads what the agent lists.
func parseVMs(node, out string) ([]VM, error) {
	var vms []VM
	if err := json.Unmarshal([]byte(out), &vms); err != nil {
		return nil, fmt.Errorf("the agent's list of VMs cannot be read: %v", err)
	}
	for i := range vms {
		v := &vms[i]
		if err := CheckVMName(v.Name); err != nil {
			return nil, fmt.Errorf("the agent's list of VMs cannot be read: %v", err)
		}
		v.Node, v.IPv4, v.IPv6 = node, v.IPv4.Unmap(), v.IPv6.Unmap()
		if len(v.Addrs()) == 0 { // no VM is without
			v.FileError = cmp.Or(v.FileError, v.Problem, "its file cannot be read")
		}
		if v.FileError != "" {
			v.Problem = cmp.Or(v.Problem, v.FileError)
		}
	}
	return vms, nil
}

func addrList(addrs []netip.Addr) string {
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return AndList(out)
}

// AndList gives "a", "a and b", "a, b and c".
func AndList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
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
