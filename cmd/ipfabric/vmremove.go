package main

import (
	"github.com/spf13/cobra"
)

func (a *app) vmRemoveCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Withdraw a VM and give its addresses back",
		Long: `Remove withdraws a VM from the node that has it, and makes that node forget it. Its
addresses are free then. A tap that the agent made is deleted; any other interface
is set down. The guest itself is not touched. A VM that libvirt or LXD brought is not
removed while it runs, as they would bring it back, nor one that is off.

Exit codes: 0 removed, 1 refused, or there is no such VM, 3 a host did not answer, 64 the
command line is wrong.`,
		Example: `  ipfabric vm remove web
  ipfabric vm remove web --yes`,
		Args:              oneVM(),
		ValidArgsFunction: a.completeVM,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.Open(cmd.Context(), "vm-remove", nil)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VMError(cmd.Context(), s.RemoveVM(cmd.Context(), args[0], yes))
		},
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "remove without asking")
	return cmd
}
