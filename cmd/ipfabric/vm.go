package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/cobra"

	"ipfabric/inventory"
	"ipfabric/steps"
)

func (a *app) vmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "vm",
		Short: "Add, list, show, move and remove VMs",
		Long: `Vm works with the fabric's VMs, by means of the nodes' agents. A VM here is a name,
its addresses, and the interface on its node that leads to its guest: the guest
itself is your hypervisor's.

Docs/vm.md explains the commands and the JSON.`,
		Example: `  ipfabric vm add web --node node1
  ipfabric vm show web --format netplan
  ipfabric vm list
  ipfabric vm move web --to node2
  ipfabric vm remove web`,
		Args: unknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.vmAddCommand(), a.vmListCommand(), a.vmShowCommand(), a.vmMoveCommand(), a.vmRemoveCommand())
	return cmd
}

// oneVM is the Args of a command about one VM.
func oneVM() cobra.PositionalArgs {
	count := arguments(cobra.ExactArgs(1), "the name of one VM")
	return func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return err
		}
		if err := steps.CheckVMName(args[0]); err != nil {
			return usage(err)
		}
		return nil
	}
}

// nodeFlag adds a flag that names a node.
func (a *app) nodeFlag(cmd *cobra.Command, node *string, name, use string, required bool) {
	cmd.Flags().StringVar(node, name, "", use)
	_ = cmd.RegisterFlagCompletionFunc(name, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, h := range a.completionHosts() {
			if h.Role == inventory.RoleNode {
				out = append(out, h.Name)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	if !required {
		return
	}
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *node == "" {
			return usagef("usage: "+cmd.UseLine(), "--%s is missing: say which node", name)
		}
		return nil
	}
}

// vms is what the vm commands work with.
func (s *session) vms() *steps.VMControl {
	return &steps.VMControl{
		Fabric:  s.fabric,
		Connect: s.fleet.connect,
		Lock:    s.lockVMs,
		Note:    func(text string) { s.say.note("%s", text) },
		Stop:    s.signals.stop,
	}
}

// vmFailed gives an error of the vm commands its exit code and its hint, having
// said what the hosts that gave no answer said instead.
func (s *session) vmFailed(ctx context.Context, err error) error {
	var e *steps.VMError
	var missing *steps.NoVMError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, steps.ErrInterrupted):
		if errors.As(err, &e) {
			s.say.warn("%s", err) // it says what was done and what was not
			return withHint(errInterrupted, orElse(e.Hint(), "run the same command again: it goes on from what it finds"))
		}
		return withHint(errInterrupted, "run the same command again: it goes on from what it finds")
	case errors.As(err, &missing):
		return withHint(err, vmHint(missing))
	case !errors.As(err, &e):
		return s.unanswered(err)
	case e.Kind == steps.VMUsage:
		return usage(err)
	case e.Kind == steps.VMSilent:
		s.saySilent(e.Silent)
		return s.unanswered(err)
	}
	return err
}

// unanswered is an error with the exit code of hosts that failed, if one did,
// unless one let us not in as expected.
func (s *session) unanswered(err error) error {
	var e *steps.VMError
	silent := isConnectError(err) || errors.As(err, &e) && e.Kind == steps.VMSilent
	if !silent || len(s.refused()) > 0 {
		return err
	}
	return &codedError{code: exitHosts, err: err}
}

func vmHint(e *steps.NoVMError) string {
	if near := inventory.Nearest(e.Name, e.Names); near != "" {
		return "did you mean " + near + "?"
	}
	if len(e.Names) == 0 {
		return "there are none yet: `ipfabric vm add NAME --node NODE` adds one"
	}
	return "`ipfabric vm list` names the VMs that there are"
}

func (s *session) saySilent(silent []steps.Silent) {
	var errs []error
	var hosts []string
	for _, x := range silent {
		if !slices.Contains(hosts, x.Host) {
			hosts, errs = append(hosts, x.Host), append(errs, x.Err)
		}
	}
	s.say.failures(errs)
}

// afterSilent ends a command that has said all it could without these hosts.
func (s *session) afterSilent(silent []steps.Silent) error {
	if len(silent) == 0 {
		return nil
	}
	s.saySilent(silent)
	if len(s.refused()) > 0 {
		return withHint(errors.New("not every host let us in as expected"), "put right what is said above")
	}
	return exitWith(exitHosts)
}

// vmTable lists VMs, with a column for each route reflector.
func (s *session) vmTable(vms []steps.ListedVM) *table {
	t := &table{}
	titles := []string{"NAME", "NODE", "IP", "IP6", "INTERFACE", "STATE"}
	var rrs []string
	for _, rr := range s.fabric.RouteReflectors {
		if rr.Managed {
			rrs, titles = append(rrs, rr.Name), append(titles, rr.Name)
		}
	}
	t.head(titles...)
	for _, v := range vms {
		row := []cell{
			{v.Name, bold}, {v.Node, plain}, {addrCell(v.IPv4), plain}, {addrCell(v.IPv6), plain},
			{orElse(v.Interface, "-"), plain}, {v.State(), vmStyle(v.VM)},
		}
		for _, rr := range rrs {
			row = append(row, seenCell(v, rr))
		}
		t.row(row...)
	}
	return t
}

func addrCell(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

func vmStyle(v steps.VM) style {
	switch v.State() {
	case "announced":
		return green
	case "problem":
		return red
	case "off":
		return dim
	}
	return yellow
}

func seenCell(v steps.ListedVM, rr string) cell {
	for _, s := range v.Seen {
		if s.RR != rr {
			continue
		}
		switch {
		case s.Status == steps.SeenYes:
			return cell{s.Status, green}
		case s.Status == steps.SeenNo && !v.Announced:
			return cell{s.Status, dim}
		case s.Status == steps.SeenUnknown:
			return cell{"?", yellow}
		}
		return cell{s.Status, red}
	}
	return cell{"-", dim}
}

// vmProblems has a line for each problem.
func (s *session) vmProblems(vms []steps.ListedVM) string {
	text := ""
	for _, v := range vms {
		for _, p := range v.Problems {
			text += fmt.Sprintf("%s  %s on %s: %s\n", s.say.onOut(red, "problem"), v.Name, v.Node, p)
		}
	}
	if text == "" {
		return ""
	}
	return "\n" + text
}
