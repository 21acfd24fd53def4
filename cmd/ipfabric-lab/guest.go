package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/guest"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/lab"
)

func (a *app) guestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "guest",
		Short: "start guests for VMs on nodes",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return hint.Add(usageError{errors.New("guest has no command " + args[0])}, "`ipfabric-lab guest --help` lists them")
	}
	cmd.AddCommand(a.guestAddCommand(), a.guestListCommand(), a.guestRemoveCommand())
	return cmd
}

const guestAddHelp = `Starts a guest behind the interface of a VM on a node, configured by the
settings that "ipfabric vm show VM --format ip" prints. The VM has been added
with "ipfabric vm add"; it may still be on another node, if it is about to move
here: the guest keeps its MAC address.

--kind ns: the guest is a network namespace on the node, named like the VM. It is
connected like a container, by a veth, or like a virtual machine, by a tap that
a process has open. That depends on how the VM was added, unless --flavour tells:

  ipfabric vm add VM …                    the agent makes a tap: tap
  ipfabric vm add VM … --link existing    veth, or tap: made by the guest

--kind qemu: the guest is a virtual machine of libvirt's, without hardware
acceleration: Linux and busybox, with a shell on its console. The first on a node
installs libvirt and QEMU there. With --ip or --ip6 the VM need not be added:
the domain's metadata has the addresses, and libvirt's hook tells the agent.

--kind lxd: the guest is a container of LXD's, of busybox. The first on a node
installs LXD there. With --ip or --ip6 the instance's keys have the addresses,
for nodes with "virtualization: lxd" in fabric.yaml; otherwise the VM has been
added with --link existing.

A node that is booted again has no guests.`

func (a *app) guestAddCommand() *cobra.Command {
	var o lab.GuestOptions
	var kind, flavour, ip, ip6 string
	cmd := &cobra.Command{
		Use:   "add NODE VM",
		Short: "start a guest for a VM",
		Long:  guestAddHelp,
		Example: `  ipfabric -f .lab/fabric.yaml vm add web --node node1
  ipfabric-lab guest add node1 web
  ipfabric-lab ssh node1 ip netns exec web ping 10.0.0.1
  ipfabric-lab ssh core1 ping 203.0.113.1
  ipfabric-lab guest add node1 db --kind qemu --ip 203.0.113.9 --ip6 2001:db8:100::9
  ipfabric-lab ssh node1 -t virsh console db`,
		Args:              nodeAndVM,
		ValidArgsFunction: a.names,
	}
	f := cmd.Flags()
	f.StringVar(&kind, "kind", string(guest.NS), "what it is: "+strings.Join(guest.Kinds(), ", "))
	f.StringVar(&flavour, "flavour", "", "connect a namespace by a "+strings.Join(guest.Flavours(), " or a "))
	f.StringVar(&ip, "ip", "", "IPv4 `ADDRESS` in the guest's own configuration, for a VM that is not added")
	f.StringVar(&ip6, "ip6", "", "IPv6 `ADDRESS` in the guest's own configuration, for a VM that is not added")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if o, err = guestOptions(kind, flavour, ip, ip6); err != nil {
			return usageError{err}
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		return l.AddGuest(cmd.Context(), args[0], args[1], o)
	}
	return cmd
}

func guestOptions(kind, flavour, ip, ip6 string) (o lab.GuestOptions, err error) {
	if !slices.Contains(guest.Kinds(), kind) {
		return o, fmt.Errorf("--kind cannot be %q; write %s", kind, strings.Join(guest.Kinds(), ", "))
	}
	if flavour != "" && !slices.Contains(guest.Flavours(), flavour) {
		return o, fmt.Errorf("--flavour cannot be %q; write %s", flavour, strings.Join(guest.Flavours(), " or "))
	}
	o.Kind, o.Flavour = guest.Kind(kind), guest.Flavour(flavour)
	if o.Kind != guest.NS && flavour != "" {
		return o, fmt.Errorf("--flavour is for --kind ns: others have what they have")
	}
	if o.Kind == guest.NS && ip+ip6 != "" {
		return o, fmt.Errorf("--ip and --ip6 are for --kind qemu and lxd: a namespace has no configuration of its own; add the VM with ipfabric vm add")
	}
	if ip != "" {
		if o.IPv4, err = netip.ParseAddr(ip); err != nil || !o.IPv4.Is4() {
			return o, fmt.Errorf("--ip: %q is not an IPv4 address", ip)
		}
	}
	if ip6 != "" {
		if o.IPv6, err = netip.ParseAddr(ip6); err != nil || !o.IPv6.Is6() || o.IPv6.Zone() != "" || o.IPv6.Is4In6() {
			return o, fmt.Errorf("--ip6: %q is not an IPv6 address", ip6)
		}
	}
	return o, nil
}

func (a *app) guestRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "remove NODE VM",
		Short:             "end a VM's guest at once; the VM stays",
		Args:              nodeAndVM,
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.open()
			if err != nil {
				return err
			}
			return l.RemoveGuest(cmd.Context(), args[0], args[1])
		},
	}
}

func (a *app) guestListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the guests on all nodes",
		Args:  noArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON array")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := a.open()
		if err != nil {
			return err
		}
		all, err := l.Guests(cmd.Context())
		if err != nil {
			return err
		}
		return a.showGuests(all, asJSON)
	}
	return cmd
}

func (a *app) showGuests(all []lab.NodeGuest, asJSON bool) error {
	if asJSON {
		return a.say.json(all)
	}
	if len(all) == 0 {
		a.say.progress("no guests; `ipfabric-lab guest add NODE VM` starts one")
		return nil
	}
	rows := [][]string{{"VM", "NODE", "STATE", "KIND", "FLAVOUR", "INTERFACE"}}
	for _, g := range all {
		state := "stopped"
		if g.Running {
			state = "running"
		}
		rows = append(rows, []string{g.VM, g.Node, state, string(g.Kind), string(g.Flavour), g.Interface})
	}
	return a.say.table(rows)
}

// nodeAndVM wants the names of a node and a VM.
func nodeAndVM(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	err := usageError{errors.New("guest " + cmd.Name() + " wants the name of a node and that of a VM")}
	return hint.Add(err, "usage: %s", cmd.UseLine())
}
