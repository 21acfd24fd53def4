package main

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ipfabric/inventory/vm"
)

func (c *cli) vmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vm",
		Short: "Add, remove and list the node's VMs",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.vmAdd(), c.vmList(), c.vmShow(), c.vmPhase(), c.vmRemove())
	return cmd
}

// oneName is the argument check of commands about one VM.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usage("%s takes the name of one VM", cmd.CommandPath())
	}
	if err := vm.CheckName(args[0]); err != nil {
		return exitError{code: 64, msg: err.Error()}
	}
	return nil
}

func (c *cli) vmAdd() *cobra.Command {
	var v vm.VM
	var ip, ip6, mac, link, phase string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add NAME [--ip ADDRESS] [--ip6 ADDRESS]",
		Short: "Make a VM reachable through this node",
		Long: "Make a VM reachable through this node. Adding a VM that is there already, with the\n" +
			"same properties, does nothing.",
		Example: "  ipfabric-agent vm add sea_gold --ip 203.0.113.1 --ip6 2001:db8:100::1 --owner libvirt-qemu",
		Args:    oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Name, v.Link, v.Phase = args[0], vm.Link(link), vm.Phase(phase)
			for _, a := range []struct {
				flag, value string
				into        *netip.Addr
			}{{"ip", ip, &v.IPv4}, {"ip6", ip6, &v.IPv6}} {
				if a.value == "" {
					continue
				}
				addr, err := netip.ParseAddr(a.value)
				if err != nil {
					return usage("--%s %q is not an address", a.flag, a.value)
				}
				*a.into = addr
			}
			if err := v.MAC.UnmarshalText([]byte(mac)); err != nil {
				return usage("--mac: %v", err)
			}
			out, err := c.client().Add(cmd.Context(), v)
			if err != nil {
				return err
			}
			return c.show(out, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&ip, "ip", "", "IPv4 address, announced as a /32")
	flags.StringVar(&ip6, "ip6", "", "IPv6 address, announced as a /128")
	flags.StringVar(&mac, "mac", "", "the guest's own hardware address, if it is known")
	flags.StringVar(&v.Interface, "interface", "", "the host's end of its interface (default NAME_net0)")
	flags.StringVar(&link, "link", "", "tap: the agent makes the interface; existing: another program does (default: tap for kvm, existing for lxd)")
	flags.StringVar(&v.Owner, "owner", "", "user who may open the tap, such as libvirt-qemu (default root)")
	flags.StringVar(&v.Group, "group", "", "group that may open the tap")
	flags.BoolVar(&v.MultiQueue, "multiqueue", false, "make a tap with several queues")
	flags.StringVar(&phase, "phase", "live", "live, waiting, migrating or withdrawn: see vm phase")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (c *cli) vmList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the node's VMs",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			vms, err := c.client().VMs(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(c.stdout, vms)
			}
			return table(c.stdout, vms)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func table(w io.Writer, vms []vm.Observed) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tIPV4\tIPV6\tINTERFACE\tPHASE\tSTATE")
	for _, v := range vms {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", v.Name, orDash(v.IPv4), orDash(v.IPv6), cmp.Or(v.Interface, "-"), cmp.Or(string(v.Phase), "-"), state(v))
	}
	return t.Flush()
}

func orDash(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

// state says in a few words how a VM is.
func state(v vm.Observed) string {
	switch {
	case v.Problem != "":
		return "PROBLEM: " + v.Problem
	case v.Phase == vm.Off:
		return "off"
	case !v.Present:
		return "no interface yet"
	}
	s := "not announced"
	if v.Announced {
		s = "announced"
	}
	if !v.Carrier {
		s += ", guest is off"
	}
	return s
}

func (c *cli) vmShow() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Show one VM",
		Args:  oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := c.client().VM(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return c.show(v, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// show prints one VM. A VM that is not as it should be is an error, after
// which the agent goes on trying.
func (c *cli) show(v vm.Observed, asJSON bool) error {
	if asJSON {
		return printJSON(c.stdout, v)
	}
	t := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "name\t%s\n", v.Name)
	for _, a := range v.Addrs() {
		fmt.Fprintf(t, "address\t%s\n", a)
	}
	fmt.Fprintf(t, "interface\t%s (%s)\n", v.Interface, v.Link)
	if len(v.MAC) > 0 {
		fmt.Fprintf(t, "mac\t%s\n", v.MAC)
	}
	fmt.Fprintf(t, "phase\t%s\n", v.Phase)
	fmt.Fprintf(t, "wanted by\t%s\n", v.Source)
	fmt.Fprintf(t, "state\t%s\n", state(v))
	if v.Dropped > 0 {
		fmt.Fprintf(t, "dropped\t%d packets in the last day that were not its to send\n", v.Dropped)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if v.Problem != "" {
		return exitError{code: 1, problem: true, msg: "VM " + v.Name + ": " + v.Problem,
			hint: "the agent tries again by itself; to look: ipfabric-agent vm show " + v.Name}
	}
	return nil
}

func (c *cli) vmPhase() *cobra.Command {
	return &cobra.Command{
		Use:   "phase NAME live|waiting|migrating|withdrawn",
		Short: "Change how a VM is announced",
		Long: "Change how a VM is announced:\n\n" +
			"  live       it runs here\n" +
			"  waiting    it is about to arrive: announced, as migrating, from its first packet on\n" +
			"  migrating  it runs here, and the node it left may still announce it: everybody\n" +
			"             prefers this node\n" +
			"  withdrawn  it keeps its interface but is not announced",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage("%s takes the name of one VM and a phase", cmd.CommandPath())
			}
			return oneName(cmd, args[:1])
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			v, err := c.client().SetPhase(cmd.Context(), args[0], vm.Phase(args[1]))
			if err != nil {
				return err
			}
			return c.show(v, false)
		},
	}
}

func (c *cli) vmRemove() *cobra.Command {
	var missingOK, handOver bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Withdraw a VM and forget it",
		Long: "Withdraw a VM and forget it. A tap that the agent has made is deleted; any other\n" +
			"interface is set down, so that the guest cannot send through it unfiltered.",
		Args: oneName,
		RunE: func(cmd *cobra.Command, args []string) error {
			remove := c.client().Remove
			if handOver {
				remove = c.client().HandOver
			}
			err := remove(cmd.Context(), args[0])
			if missingOK && vm.CodeOf(err) == vm.NotFound {
				return nil
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&handOver, "handover", false, "another node announces the VM by now: keep packets for it going until they are led there")
	cmd.Flags().BoolVar(&missingOK, "missing-ok", false, "it is no error if there is no such VM")
	return cmd
}
