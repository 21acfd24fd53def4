package main

import (
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

func (a *app) vmMoveCommand() *cobra.Command {
	var to string
	var o vms.MoveOptions
	cmd := &cobra.Command{
		Use:   "move NAME --to NODE",
		Short: "Move a VM's addresses to another node, without a gap",
		Long: `Move makes a VM reachable through another node, make before break: the new node
announces it, preferred over the old one; when every route reflector prefers
the new node, the old one withdraws. It moves the addresses. The guest is your
hypervisor's: if one is attached on the old node, move waits until one is on the
new node, whose interface it has made ready by then.

If that takes too long, or the reflectors do not come to prefer the new node, the
VM stays where it was. However move is cut off, the VM is announced by one of
the two nodes or by both; the same command, run again, finishes it.

A guest that libvirt or LXD migrates needs no vm move: the agents follow it.

Exit codes: 0 moved, or there already; 1 refused, or not moved; 3 a host did not
answer; 64 the command line is wrong; 130 interrupted.`,
		Example: `  ipfabric vm move web --to node2
  ipfabric vm move web --to node2 --wait 5m    time to start the guest there`,
		Args:              oneVM(),
		ValidArgsFunction: a.completeVM,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.Wait < time.Second {
				return ui.Usagef("such as --wait 30s", "--wait %s is too short for any change to arrive", o.Wait)
			}
			s, err := a.Open(cmd.Context(), "vm-move", nil)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.VMError(cmd.Context(), s.MoveVM(cmd.Context(), args[0], to, o))
		},
	}
	a.nodeFlag(cmd, &to, "to", "the `NODE` that the VM is to be on", true)
	cmd.Flags().DurationVar(&o.Wait, "wait", 20*time.Second, "how long the guest may take to appear on the new node")
	cmd.Flags().StringSliceVar(&o.SkipRRs, "skip-rr", nil, "do not wait for these route reflectors (`NAME,...`), which are out of order")
	_ = cmd.RegisterFlagCompletionFunc("skip-rr", a.completeReflectors)
	return cmd
}
