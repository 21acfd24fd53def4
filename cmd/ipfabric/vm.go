package main

import (
	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps/vms"
)

func (a *app) vmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vm",
		Short: "Add, list, show, move and remove VMs",
		Long: `Vm works with the fabric's VMs, by means of the nodes' agents. A VM here is a name,
its addresses, and the interface on its node that leads to its guest: the guest
itself is your hypervisor's.

` + "`ipfabric help vm` explains the commands, `ipfabric help vm-reference` the JSON.",
		Example: `  ipfabric vm add web --node node1
  ipfabric vm show web --format netplan
  ipfabric vm list
  ipfabric vm move web --to node2
  ipfabric vm remove web`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.vmAddCommand(), a.vmListCommand(), a.vmShowCommand(), a.vmMoveCommand(), a.vmRemoveCommand())
	return cmd
}

// oneVM is the Args of a command about one VM.
func oneVM() cobra.PositionalArgs {
	count := arguments(cobra.ExactArgs(1), "the name of one VM")
	return func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return err
		}
		if err := vms.CheckName(args[0]); err != nil {
			return ui.Usage(err)
		}
		return nil
	}
}

// nodeFlag adds a flag that names a node.
func (a *app) nodeFlag(cmd *cobra.Command, node *string, name, use string, required bool) {
	cmd.Flags().StringVar(node, name, "", use)
	_ = cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, h := range a.completionHosts() {
			if h.Role == inventory.RoleNode {
				out = append(out, h.Name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	if !required {
		return
	}
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *node == "" {
			return ui.Usagef("usage: "+cmd.UseLine(), "--%s is missing: say which node", name)
		}
		return nil
	}
}
