package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
)

// hookPatience is how long libvirt waits for us at most, each time. A VM starts
// without its network rather than not at all: the agent takes it up later.
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
	if !libvirt.Matters(ev.Op) {
		return nil
	}
	domain, err := io.ReadAll(io.LimitReader(c.stdin, maxDomain))
	if err != nil {
		return err
	}
	ev.VM, err = libvirt.Parse(bytes.NewReader(domain))
	if err != nil {
		// Its end is its end all the same.
		ev.Error = err.Error()
		fmt.Fprintf(c.stderr, "ipfabric-agent: hook: domain %q: %v\n", ev.Guest, err)
	}
	ev.SetDeadline(ctx)
	err = c.client().Domain(ctx, ev)
	if ev.Op == "prepare" {
		err = errors.Join(err, c.spareTap(domain))
	}
	return err
}

// maxDomain is more than the XML of any domain has.
const maxDomain = 8 << 20

// spareTap makes the tap that libvirt expects if the agent did not: it was not
// there, or refused the domain. QEMU does not start without. The tap stays down,
// and nothing is routed to it, until the agent takes it up.
func (c *cli) spareTap(domain []byte) error {
	tap := libvirt.ExpectedTap(bytes.NewReader(domain))
	if tap == nil {
		return nil
	}
	if _, err := net.InterfaceByName(tap.Interface); err == nil {
		return nil
	}
	// libvirtd, which opens it for QEMU, is root's.
	err := kernel.MakeTap(tap.Interface, "", "", tap.MultiQueue)
	if err != nil {
		return fmt.Errorf("tap %s, without which domain %q does not start: %w", tap.Interface, tap.Name, err)
	}
	fmt.Fprintf(c.stderr, "ipfabric-agent: hook: domain %q starts with tap %s, but without network until the agent takes it up\n", tap.Name, tap.Interface)
	return nil
}
