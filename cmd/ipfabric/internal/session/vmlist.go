package session

import (
	"context"
	"fmt"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// ListVMs prints the VMs of one node, or of all if node is "".
func (s *Session) ListVMs(ctx context.Context, node string, asJSON bool) error {
	defer s.progress.Begin("asking for the VMs")()
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
	if err := s.showVMs(l, asJSON); err != nil {
		return err
	}
	if !asJSON {
		s.noteUnlisted(l.Silent)
	}
	return s.afterSilent(l.Silent)
}

// noteUnlisted says where to find out what the nodes that gave no answer have:
// nobody else keeps that.
func (s *Session) noteUnlisted(silent []vms.Silent) {
	var nodes []string
	for _, x := range silent {
		if vms.CheckNode(s.fabric, x.Host) == nil {
			nodes = append(nodes, x.Host)
		}
	}
	if len(nodes) > 0 {
		s.Say.Note("the VMs of %s are not listed: what they are stands in an earlier list, and below /var/lib/ipfabric/vms.d on the node's disk", step.AndList(nodes))
	}
}

func (s *Session) showVMs(l vms.List, asJSON bool) error {
	if asJSON {
		out := vmListJSON{Fabric: s.fabric.Name, VMs: l.VMs, Findings: l.Findings, Unanswered: []unansweredJSON{}}
		if out.VMs == nil {
			out.VMs = []vms.Listed{}
		}
		if out.Findings == nil {
			out.Findings = []vms.Finding{}
		}
		for _, x := range l.Silent {
			out.Unanswered = append(out.Unanswered, unansweredJSON{x.Host, vm.ErrorOf(x.Err, ui.CodeOf(x.Err))})
		}
		return s.Say.ResultJSON(out)
	}
	if len(l.VMs) == 0 && len(l.Silent) > 0 {
		return nil // whether there are any is not known
	}
	if len(l.VMs) == 0 {
		s.Say.Note("no VM; `ipfabric vm add NAME --node NODE` adds one")
		if problems := ui.VMProblems(l, s.Say.OnOut); problems != "" {
			s.Say.Result(strings.TrimPrefix(problems, "\n"))
		}
		return nil
	}
	s.Say.Result(ui.VMTable(s.fabric, l.VMs).Render(s.Say.OnOut) + ui.VMProblems(l, s.Say.OnOut))
	if n := len(l.VMs); n > 10 {
		s.Say.Note("%s", fmt.Sprintf("%d VMs", n))
	}
	return nil
}

// A vmListJSON is `vm list --json`.
type vmListJSON struct {
	Fabric     string           `json:"fabric"`
	VMs        []vms.Listed     `json:"vms"`
	Findings   []vms.Finding    `json:"findings"`   // about nodes, and about routes that are no VM's
	Unanswered []unansweredJSON `json:"unanswered"` // nodes and route reflectors
}

type unansweredJSON struct {
	Host string `json:"host"`
	*vm.Error
}
