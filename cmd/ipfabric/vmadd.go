package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"ipfabric/steps/step"
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
					return usagef("leave --"+name+" out for the lowest free address, or write --"+name+" none", "--%s is empty", name)
				}
			}
			s, err := a.open(cmd.Context(), "vm-add", nil)
			if err != nil {
				return err
			}
			defer s.close()
			return s.vmFailed(cmd.Context(), vmAdd(cmd.Context(), s, w, asJSON))
		},
	}
	a.nodeFlag(cmd, &w.Node, "node", "the `NODE` that the VM runs on", true)
	f := cmd.Flags()
	f.StringVar(&w.IP, "ip", "", "IPv4 `ADDRESS`, or none (default: the lowest free one of the pools)")
	f.StringVar(&w.IP6, "ip6", "", "IPv6 `ADDRESS`, or none (default: the lowest free one of the pools)")
	f.StringVar(&w.MAC, "mac", "", "the guest's own hardware address `MAC`, if it is known")
	f.StringVar(&w.Interface, "interface", "", "the host's end of the VM's `INTERFACE` (default NAME_net0)")
	f.StringVar(&w.Link, "link", "", "tap: the agent makes the interface; existing: somebody else does (default: tap on kvm nodes, existing on lxd nodes)")
	f.StringVar(&w.Owner, "owner", "", "`USER` that may open the tap, such as libvirt-qemu (default root)")
	f.StringVar(&w.Group, "group", "", "`GROUP` that may open the tap")
	f.BoolVar(&w.MultiQueue, "multiqueue", false, "make a tap with several queues")
	f.BoolVar(&asJSON, "json", false, "print the VM as JSON")
	_ = cmd.RegisterFlagCompletionFunc("link", cobra.FixedCompletions([]string{"tap", "existing"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func vmAdd(ctx context.Context, s *session, w vms.Wish, asJSON bool) error {
	request, err := vms.NewRequest(s.fabric, w)
	if err != nil {
		return err
	}
	defer s.signals.change()()
	c := s.vms()
	vm, already, err := c.Add(ctx, request)
	if err != nil {
		return err
	}
	if already {
		s.say.note("VM %s is on %s already: nothing was changed", vm.Name, vm.Node)
	}
	var seen []vms.Seen
	if vm.Announced {
		seen, err = c.AwaitSeen(ctx, vm)
	}
	if err != nil {
		err = &vms.Error{Msg: fmt.Sprintf("VM %s was added; whether the route reflectors have heard of it was not waited for", vm.Name), Err: err,
			Next: "`ipfabric vm show " + vm.Name + "` says"}
	}
	if asJSON {
		if badOut := s.say.resultJSON(vm); badOut != nil {
			return badOut
		}
	} else {
		s.say.result(fmt.Sprintf("%s on %s: %s\n", s.say.onOut(bold, vm.Name), vm.Node, vmSummary(vm)))
	}
	if err != nil {
		return err
	}
	return sayAnnounced(s, vm, seen)
}

// vmSummary is what a VM has, in one line.
func vmSummary(vm vms.VM) string {
	if vm.FileError != "" {
		return vm.FileError
	}
	text := ""
	for _, a := range vm.Addrs() {
		text += a.String() + ", "
	}
	return text + "interface " + vm.Interface
}

// sayAnnounced says who knows of a VM, and it is an error if not all do though
// its node announces it.
func sayAnnounced(s *session, vm vms.VM, seen []vms.Seen) error {
	if vm.Problem != "" {
		return withHint(fmt.Errorf("VM %s is not as it should be on %s: %s", vm.Name, vm.Node, vm.Problem),
			"the agent goes on trying; `ipfabric vm show "+vm.Name+"` looks again")
	}
	sayMissing(s, vm)
	if !vm.Announced {
		return nil
	}
	var yes, no, unknown []string
	for _, x := range seen {
		switch x.Status {
		case vms.SeenYes:
			yes = append(yes, x.RR)
		case vms.SeenUnknown:
			unknown = append(unknown, x.RR)
		default:
			no = append(no, x.RR)
		}
	}
	if len(yes) > 0 {
		s.say.note("announced: %s to it", has(yes, "a route"))
	}
	switch {
	case len(no) > 0 && vm.GuestMissing() != "":
		s.say.note("%s to it yet: some releases of FRR announce a VM only when a guest is attached", has(no, "no route"))
	case len(no) > 0:
		return withHint(fmt.Errorf("%s announces VM %s, but after 10s %s to it", vm.Node, vm.Name, has(no, "no route")),
			"`ipfabric verify` looks at the sessions between them")
	case len(unknown) > 0:
		return &codedError{code: exitHosts, err: withHint(
			fmt.Errorf("%s announces VM %s; whether %s a route to it is not known, for lack of an answer", vm.Node, vm.Name, has(unknown, "")),
			"`ipfabric verify` says what is wrong there")}
	}
	return nil
}

// sayMissing says what a VM lacks for packets to reach its guest.
func sayMissing(s *session, vm vms.VM) {
	if !vm.Announced {
		s.say.note("not announced yet: %s", cmp.Or(vm.Hindrance(), "the agent is at it"))
		return
	}
	if why := vm.GuestMissing(); why != "" {
		s.say.note("%s", why)
	}
}

// has gives "rr1 has a route", "rr1 and rr2 have a route".
func has(names []string, what string) string {
	verb := " has"
	if len(names) > 1 {
		verb = " have"
	}
	if what != "" {
		what = " " + what
	}
	return step.AndList(names) + verb + what
}
