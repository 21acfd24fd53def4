package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

func (a *app) vmShowCommand() *cobra.Command {
	var format, device string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a VM, and the network settings for its guest",
		Long: `Show says how a VM is, and prints what its guest's network configuration must be, to
paste, for netplan. With --format it prints it in another form, and nothing else:

  netplan         Ubuntu
  cloud-init      network-config version 2, in images that write netplan files
  ifupdown        Debian, /etc/network/interfaces
  networkd        systemd-networkd
  networkmanager  a keyfile of NetworkManager: RHEL 8 to 10, desktops
  ifcfg           RHEL 8 and 9
  libvirt         the domain's interface on its node
  ip              plain commands, until the guest's next boot

The guest's addresses are a /32 and a /128. Its default routes go through the
fabric's gateway, which is the same for every VM on every node, and which is
told to be on the link, since no network of the guest contains it.`,
		Example: `  ipfabric vm show web
  ipfabric vm show web --format netplan --dev ens3 > 50-ipfabric.yaml
  ipfabric vm show web --format ip | ssh CONSOLE sh`,
		Args:              oneVM(),
		ValidArgsFunction: a.completeVM,
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "" && !slices.Contains(vms.GuestFormats(), format) {
				return ui.Usagef("write --format "+strings.Join(vms.GuestFormats(), ", --format "), "--format cannot be %q", format)
			}
			if format != "" && asJSON {
				return ui.Usagef("the JSON has all formats below guest", "--format and --json exclude each other")
			}
			if err := vms.CheckGuestDevice(device); err != nil {
				return ui.Usagef(ui.HintOf(err), "--dev: %v", err)
			}
			s, err := a.Open(cmd.Context(), "vm-show", nil)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VMError(cmd.Context(), s.ShowVM(cmd.Context(), args[0], format, device, asJSON))
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", "print the guest's settings alone, in this `FORM`: "+strings.Join(vms.GuestFormats(), ", "))
	f.StringVar(&device, "dev", "eth0", "what the guest calls its network `INTERFACE`")
	f.BoolVar(&asJSON, "json", false, "print it as JSON")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(vms.GuestFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
