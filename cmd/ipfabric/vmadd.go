package main

import (
	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

func (a *app) vmAddCommand() *cobra.Command {
	var w vms.Wish
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add NAME --node NODE",
		Short: "Make a VM reachable through a node",
		Long: `Add gives a VM its addresses and makes it reachable through a node. Where no
address is given it takes the lowest that is free in the fabric's pools, of
IPv4 and IPv6 if there are both; "none" is for no address of that family.

Every node is asked which addresses are in use. If one does not answer, nothing
is added. Two runs at the same time never choose the same address: the second
waits for the first.

Adding a VM that is there already, as requested, changes nothing.

Exit codes: 0 added, or there already; 1 refused, for instance because an
address is in use; 3 a host did not answer; 64 the command line is wrong.`,
		Example: `  ipfabric vm add web --node node1
  ipfabric vm add web --node node1 --ip 203.0.113.7 --ip6 none
  ipfabric vm add web --node node1 --mac 52:54:00:12:34:56 --owner libvirt-qemu
  ipfabric vm add web --node node1 --json | jq -r .ip`,
		Args:              oneVM(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.Name = args[0]
			for _, name := range []string{"ip", "ip6"} {
				// A variable that is not set must not mean "any".
				if f := cmd.Flags().Lookup(name); f.Changed && f.Value.String() == "" {
					return ui.Usagef("leave --"+name+" out for the lowest free address, or write --"+name+" none", "--%s is empty", name)
				}
			}
			s, err := a.Open(cmd.Context(), "vm-add", nil)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VMError(cmd.Context(), s.AddVM(cmd.Context(), w, asJSON))
		},
	}
	a.nodeFlag(cmd, &w.Node, "node", "the `NODE` that the VM runs on", true)
	f := cmd.Flags()
	f.StringVar(&w.IP, "ip", "", "IPv4 `ADDRESS`, or none (default: the lowest free one of the pools)")
	f.StringVar(&w.IP6, "ip6", "", "IPv6 `ADDRESS`, or none (default: the lowest free one of the pools)")
	f.StringVar(&w.MAC, "mac", "", "the guest's own hardware address `MAC`, if it is known")
	f.StringVar(&w.Interface, "interface", "", "the host's end of the VM's `INTERFACE` (default NAME_net0)")
	f.StringVar(&w.Link, "link", "", "tap: the agent makes the interface; existing: another program does (default: tap on kvm nodes, existing on lxd nodes)")
	f.StringVar(&w.Owner, "owner", "", "`USER` that may open the tap, such as libvirt-qemu (default root)")
	f.StringVar(&w.Group, "group", "", "`GROUP` that may open the tap")
	f.BoolVar(&w.MultiQueue, "multiqueue", false, "make a tap with several queues")
	f.BoolVar(&asJSON, "json", false, "print the VM as JSON")
	_ = cmd.RegisterFlagCompletionFunc("link", cobra.FixedCompletions([]string{"tap", "existing"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}
