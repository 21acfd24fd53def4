package verify

import (
	"ipfabric/steps/vms"
)

// agentVMs is what a node's agent says of its VMs.
type agentVMs struct {
	vms     []vms.VM
	drained bool // the whole node is
	healthy bool
	err     error // why they are not known
}
