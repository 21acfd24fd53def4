package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/inventory"
	"ipfabric/steps"
)

// vendors are those that steps.Gateway has a template for.
var vendors = []string{"junos"}

func (a *app) gatewayCommand() *cobra.Command {
	var vendor string
	cmd := &cobra.Command{
		Use:   "gateway [NAME]",
		Short: "Print the core gateways' configuration",
		Long: `Gateway prints what to paste into a core gateway: its BGP configuration for this
fabric, and the commands that check and commit it. Without a name it prints
that of every core gateway. It contacts no host, and the BGP password is left
for you to put in.`,
		Example: `  ipfabric gateway
  ipfabric gateway mx1 > mx1.set`,
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
	cmd.Flags().StringVar(&vendor, "vendor", "", "write it for this `VENDOR` (junos) whatever the inventory says")
	_ = cmd.RegisterFlagCompletionFunc("vendor", cobra.FixedCompletions(vendors, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (a *app) printGateways(names []string, vendor string) error {
	if vendor != "" && !slices.Contains(vendors, vendor) {
		return usagef("write --vendor "+strings.Join(vendors, " or --vendor "), "--vendor %q is not supported by this version", vendor)
	}
	fabric, err := a.load()
	if err != nil {
		return err
	}
	cores, err := pickGateways(fabric, names)
	if err != nil {
		return err
	}
	text, err := snippets(fabric, cores, vendor)
	if err != nil {
		return err
	}
	a.say.result(text)
	return nil
}

// pickGateways returns the core gateways of these names, or all.
func pickGateways(fabric *inventory.Fabric, names []string) ([]inventory.CoreGateway, error) {
	if len(fabric.CoreGateways) == 0 {
		return nil, usagef("add one below core_gateways", "the inventory has no core gateway")
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
		return nil, usagef(hint, "%s is a %s, not a core gateway", host.Name, host.Role)
	}
	if near := inventory.Nearest(names[0], all); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, usagef(hint, "the fabric has no core gateway %q", names[0])
}

// snippets renders the configurations of core gateways, with an empty line
// between two.
func snippets(fabric *inventory.Fabric, cores []inventory.CoreGateway, vendor string) (string, error) {
	var texts []string
	for _, core := range cores {
		core.Vendor = orElse(vendor, core.Vendor)
		text, err := steps.Gateway(fabric, core)
		if err != nil {
			return "", err
		}
		texts = append(texts, strings.TrimRight(text, "\n")+"\n")
	}
	return strings.Join(texts, "\n"), nil
}
