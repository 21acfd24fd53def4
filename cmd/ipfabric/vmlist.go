package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// A vmListJSON is `vm list --json`.
type vmListJSON struct {
	Fabric     string           `json:"fabric"`
	VMs        []vms.Listed     `json:"vms"`
	Unanswered []unansweredJSON `json:"unanswered"` // nodes and route reflectors
}

type unansweredJSON struct {
	Host  string `json:"host"`
	Error string `json:"error"`
	Hint  string `json:"hint,omitempty"`
}

func (a *app) vmListCommand() *cobra.Command {
	var node string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the VMs, and who announces them",
		Long: `List asks every node at the same time for its VMs, and every route reflector for
its routes to them.

STATE is announced, migrating (announced, and preferred over the node that it
leaves), no guest (announced, but nothing is attached to the interface), waiting
(it arrives by live migration), withdrawn, off (libvirt or LXD has it there,
but it does not run), no interface, drained (the whole node is), or problem.
The columns of the route reflectors say whether they prefer that node for the
VM's addresses: yes, no (no route), partly, other (they prefer another node).

Exit codes: 0 listed, 3 a host did not answer; the rest is listed.`,
		Example: `  ipfabric vm list
  ipfabric vm list --node node1
  ipfabric vm list --json | jq -r '.vms[] | select(.announced | not) | .name'`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.open(cmd.Context(), "vm-list", nil)
			if err != nil {
				return err
			}
			defer s.close()
			return s.vmFailed(cmd.Context(), vmList(cmd.Context(), s, node, asJSON))
		},
	}
	a.nodeFlag(cmd, &node, "node", "list the VMs of this `NODE` only", false)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	return cmd
}

func vmList(ctx context.Context, s *session, node string, asJSON bool) error {
	var nodes []string
	if node != "" {
		if err := vms.CheckNode(s.fabric, node); err != nil {
			return err
		}
		nodes = append(nodes, node)
	}
	l := s.vms().List(ctx, nodes...)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := showVMs(s, l, asJSON); err != nil {
		return err
	}
	if !asJSON {
		noteUnlisted(s, l.Silent)
	}
	return s.afterSilent(l.Silent)
}

// noteUnlisted says where to find out what the nodes that gave no answer have:
// nobody else keeps that.
func noteUnlisted(s *session, silent []vms.Silent) {
	var nodes []string
	for _, x := range silent {
		if vms.CheckNode(s.fabric, x.Host) == nil {
			nodes = append(nodes, x.Host)
		}
	}
	if len(nodes) > 0 {
		s.say.note("the VMs of %s are not listed: what they are stands in an earlier list, and below /var/lib/ipfabric/vms.d on the node's disk", step.AndList(nodes))
	}
}

func showVMs(s *session, l vms.List, asJSON bool) error {
	if asJSON {
		out := vmListJSON{Fabric: s.fabric.Name, VMs: l.VMs, Unanswered: []unansweredJSON{}}
		if out.VMs == nil {
			out.VMs = []vms.Listed{}
		}
		for _, x := range l.Silent {
			out.Unanswered = append(out.Unanswered, unansweredJSON{x.Host, x.Err.Error(), hintOf(x.Err)})
		}
		return s.say.resultJSON(out)
	}
	if len(l.VMs) == 0 && len(l.Silent) > 0 {
		return nil // whether there are any is not known
	}
	if len(l.VMs) == 0 {
		s.say.note("no VM; `ipfabric vm add NAME --node NODE` adds one")
		return nil
	}
	s.say.result(vmTable(s.fabric, l.VMs).render(s.say.onOut) + vmProblems(l.VMs, s.say.onOut))
	if n := len(l.VMs); n > 10 {
		s.say.note("%s", fmt.Sprintf("%d VMs", n))
	}
	return nil
}
