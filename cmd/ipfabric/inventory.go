package main

import (
	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

func (a *app) inventoryCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inventory",
		Short: "Check the inventory, or print an example of one",
		Long: `The inventory, fabric.yaml, describes the fabric. ` + "`ipfabric help inventory`" + `
explains each of its keys.`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Say what is wrong with the inventory",
			Long: `Check reads the inventory and says everything that is wrong with it at once,
with line and column and what to write instead. It contacts no host.`,
			Example: "  ipfabric inventory check -f lab/fabric.yaml",
			Args:    noArguments(),
			RunE:    func(*cobra.Command, []string) error { return a.checkInventory() },
		},
		&cobra.Command{
			Use:     "example",
			Short:   "Print a commented inventory to start from",
			Example: "  ipfabric inventory example > fabric.yaml",
			Args:    noArguments(),
			RunE: func(*cobra.Command, []string) error {
				a.Say.Result(string(inventory.Example()))
				return nil
			},
		},
	)
	return cmd
}

func (a *app) checkInventory() error {
	fabric, err := a.Load()
	if err != nil {
		return err
	}
	if err := fabric.CheckFiles(); err != nil {
		return ui.Usage(err)
	}
	// The one who checks may not be the one who deploys, as in CI: the
	// inventory is right even where its secrets are not at hand.
	if err := fabric.ReadSecrets(a.LookupEnv, inventory.ReadSecretFile); err != nil {
		a.Say.Warn("%s", err)
	}
	a.Say.Result(a.File + " is right: " + ui.Count(len(fabric.RouteReflectors), "route reflector") +
		", " + ui.Count(len(fabric.CoreGateways), "core gateway") + ", " + ui.Count(len(fabric.Nodes), "node") + "\n")
	return nil
}
