package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
)

// hookPatience is how long libvirt waits for us at most. A VM starts without
// its network rather than not at all: the agent takes the interface up when it
// sees it.
const hookPatience = 3 * time.Second

func (c *cli) hookCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "hook",
		Short:  "What hypervisors call",
		Hidden: true,
		Args:   noCommand,
		RunE:   func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "libvirt GUEST OPERATION SUBOPERATION EXTRA",
		Short: "libvirt's qemu hook: /etc/libvirt/hooks/qemu.d/ipfabric",
		Long: "Tell the agent what libvirt does with a domain, whose XML comes on standard input.\n" +
			"Never fails and prints nothing on standard output: libvirt would take the one for\n" +
			"a reason not to start the VM, and the other for its new XML.",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), hookPatience)
			defer cancel()
			if err := c.libvirtHook(ctx, args); err != nil {
				fmt.Fprintf(c.stderr, "ipfabric-agent: hook: %v\n", err) // libvirtd logs it
			}
			return nil
		},
	})
	return cmd
}

func (c *cli) libvirtHook(ctx context.Context, args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("libvirt calls it with GUEST OPERATION SUBOPERATION EXTRA, not with %q", args)
	}
	ev := libvirt.Event{Guest: args[0], Op: args[1], Sub: args[2]}
	if len(args) > 3 {
		ev.Extra = args[3]
	}
	v, err := libvirt.Parse(c.stdin)
	if err != nil {
		// Its end is its end all the same.
		fmt.Fprintf(c.stderr, "ipfabric-agent: hook: domain %q: %v\n", ev.Guest, err)
	}
	ev.VM = v
	return c.client().Domain(ctx, ev)
}
