package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps/gateway"
)

func (a *app) gatewayCommand() *cobra.Command {
	var vendor string
	cmd := &cobra.Command{
		Use:   "gateway [NAME]",
		Short: "Print the core gateways' configuration",
		Long: `Gateway prints what to put into a core gateway: its BGP configuration for this
fabric, and the commands that check and apply it. Applied over an older one, it
leaves nothing of that behind. Without a name it prints that of every core
gateway. It contacts no host, and the BGP password is left for you to put in.`,
		Example: `  ipfabric gateway
  ipfabric gateway mx1 > mx1.set
  ipfabric gateway mx1 --vendor bird > ipfabric.conf`,
		Args: arguments(cobra.MaximumNArgs(1), "at most one name"),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var out []string
			for _, h := range a.completionHosts() {
				if h.Role == inventory.RoleCoreGateway && len(args) == 0 {
					out = append(out, h.Name)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.printGateways(args, vendor) },
	}
	cmd.Flags().StringVar(&vendor, "vendor", "", "write it for this `VENDOR` ("+strings.Join(gateway.Vendors(), ", ")+") whatever the inventory says")
	_ = cmd.RegisterFlagCompletionFunc("vendor", cobra.FixedCompletions(gateway.Vendors(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) printGateways(names []string, vendor string) error {
	if vendors := gateway.Vendors(); vendor != "" && !slices.Contains(vendors, vendor) {
		return ui.Usagef("write --vendor "+strings.Join(vendors, " or --vendor "), "--vendor %q is not supported by this version", vendor)
	}
	fabric, err := a.Load()
	if err != nil {
		return err
	}
	cores, err := pickGateways(fabric, names)
	if err != nil {
		return err
	}
	text, err := session.Snippets(fabric, cores, vendor)
	if err != nil {
		return err
	}
	a.Say.Result(text)
	return nil
}

// pickGateways returns the core gateways of these names, or all.
func pickGateways(fabric *inventory.Fabric, names []string) ([]inventory.CoreGateway, error) {
	if len(fabric.CoreGateways) == 0 {
		return nil, ui.Usagef("add one below core_gateways", "the inventory has no core gateway")
	}
	if len(names) == 0 {
		return fabric.CoreGateways, nil
	}
	var all []string
	for _, c := range fabric.CoreGateways {
		if c.Name == names[0] {
			return []inventory.CoreGateway{c}, nil
		}
		all = append(all, c.Name)
	}
	hint := "the core gateways are " + strings.Join(all, ", ")
	if host, ok := fabric.Host(names[0]); ok {
		return nil, ui.Usagef(hint, "%s is a %s, not a core gateway", host.Name, host.Role)
	}
	if near := inventory.Nearest(names[0], all); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, ui.Usagef(hint, "the fabric has no core gateway %q", names[0])
}
