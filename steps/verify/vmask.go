package verify

import (
	"context"

	"ipfabric/steps/agent"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// agentVMs is what a node's agent says of its VMs.
type agentVMs struct {
	vms     []vms.VM
	drained bool // the whole node is
	healthy bool
	err     error // why they are not known
}

// listVMs asks a node's agent for its VMs.
func listVMs(ctx context.Context, r step.Reader, node string) ([]vms.VM, error) {
	out, err := r.Query(ctx, agent.Path, "vm", "list", "--json")
	if err != nil {
		return nil, err
	}
	return vms.ParseList(node, out)
}
