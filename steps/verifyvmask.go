package steps

import (
	"context"
)

// agentVMs is what a node's agent says of its VMs.
type agentVMs struct {
	vms     []VM
	drained bool // the whole node is
	healthy bool
	err     error // why they are not known
}

// listVMs asks a node's agent for its VMs.
func listVMs(ctx context.Context, r Reader, node string) ([]VM, error) {
	out, err := r.Query(ctx, agentPath, "vm", "list", "--json")
	if err != nil {
		return nil, err
	}
	return parseVMs(node, out)
}
