package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/steps/vms"
)

// A vmShowJSON is `vm show --json`. There are more than one VM only while it is
// being moved.
type vmShowJSON struct {
	VMs   []vms.Listed      `json:"vms"`
	Guest map[string]string `json:"guest"` // the guest's settings, by format
}

func (a *app) vmShowCommand() *cobra.Command {
	var format, device string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show a VM, and the network settings for its guest",
		Long: `Show says how a VM is, and prints what its guest's network configuration must be, to
paste: for netplan, cloud-init (network-config version 2), ifcfg files, and as
plain ip commands. With --format it prints that one and nothing else.

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
				return usagef("write --format "+strings.Join(vms.GuestFormats(), ", --format "), "--format cannot be %q", format)
			}
			if format != "" && asJSON {
				return usagef("the JSON has all formats below guest", "--format and --json exclude each other")
			}
			if err := vms.CheckGuestDevice(device); err != nil {
				return usagef(hintOf(err), "--dev: %v", err)
			}
			s, err := a.open(cmd.Context(), "vm-show", nil)
			if err != nil {
				return err
			}
			defer s.close()
			return s.vmFailed(cmd.Context(), vmShow(cmd.Context(), s, args[0], format, device, asJSON))
		},
	}
	f := cmd.Flags()
	f.StringVar(&format, "format", "", "print the guest's settings in this `FORM` only: "+strings.Join(vms.GuestFormats(), ", "))
	f.StringVar(&device, "dev", "eth0", "what the guest calls its network `INTERFACE`")
	f.BoolVar(&asJSON, "json", false, "print it as JSON")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(vms.GuestFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func vmShow(ctx context.Context, s *session, name, format, device string, asJSON bool) error {
	found, err := s.vms().Find(ctx, name)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	var settings []vms.GuestSettings
	if vm := found.VMs[0].VM; vm.FileError == "" {
		settings = vms.GuestSettingsOf(s.fabric, vm, device)
	} else if format != "" {
		return fmt.Errorf("the addresses of VM %s on %s are not known: %s", name, vm.Node, vm.Problem)
	}
	switch {
	case asJSON:
		out := vmShowJSON{VMs: found.VMs, Guest: map[string]string{}}
		for _, g := range settings {
			out.Guest[g.Format] = g.Text
		}
		if err := s.say.resultJSON(out); err != nil {
			return err
		}
	case format != "":
		for _, g := range settings {
			if g.Format == format {
				s.say.result(g.Text)
			}
		}
	default:
		s.say.result(vmTable(s.fabric, found.VMs).render(s.say.onOut) + vmDetails(found.VMs) + vmProblems(found.VMs, s.say.onOut))
		for _, g := range settings {
			s.say.result(fmt.Sprintf("\n%s  %s\n%s", s.say.onOut(bold, g.Format), s.say.onOut(dim, g.Where), indent("    ", g.Text)))
		}
	}
	for _, x := range found.Silent {
		s.say.warn("%v", x.Err) // what was asked for is known all the same
	}
	return nil
}
