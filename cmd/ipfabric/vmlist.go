package main

import (
	"github.com/spf13/cobra"
)

func (a *app) vmListCommand() *cobra.Command {
	var node string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the VMs, and who announces them",
		Long: `List asks every node at the same time for its VMs, and every route reflector for
its routes to them.

STATE is announced, migrating (announced, and preferred over the node that it
leaves), no guest (announced, but nothing is attached to the interface), waiting
(it arrives by live migration), withdrawn, off (libvirt or LXD has it there,
but it does not run), no interface, held back (the node does not announce it for
now), drained (the whole node is), or problem.
The columns of the route reflectors say whether they prefer that node for the
VM's addresses: yes, no (no route), partly, other (they prefer another node).

Exit codes: 0 listed, 3 a host did not answer; the rest is listed.`,
		Example: `  ipfabric vm list
  ipfabric vm list --node node1
  ipfabric vm list --json | jq -r '.vms[] | select(.announced | not) | .name'`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.Open(cmd.Context(), "vm-list", nil)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VMError(cmd.Context(), s.ListVMs(cmd.Context(), node, asJSON))
		},
	}
	a.nodeFlag(cmd, &node, "node", "list the VMs of this `NODE` only", false)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}
