package main

import (
	"context"
	"fmt"

	"ipfabric/steps/vms"
)

func (s *session) vmShow(ctx context.Context, name, format, device string, asJSON bool) error {
	found, err := s.vms().Find(ctx, name)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	var settings []vms.GuestSettings
	if vm := found.VMs[0].VM; vm.FileError == "" {
		settings = vms.GuestSettingsOf(s.fabric, vm, device)
	} else if format != "" {
		return fmt.Errorf("the addresses of VM %s on %s are not known: %s", name, vm.Node, vm.Problem)
	}
	switch {
	case asJSON:
		out := vmShowJSON{VMs: found.VMs, Guest: map[string]string{}}
		for _, g := range settings {
			out.Guest[g.Format] = g.Text
		}
		if err := s.say.resultJSON(out); err != nil {
			return err
		}
	case format != "":
		for _, g := range settings {
			if g.Format == format {
				s.say.result(g.Text)
			}
		}
	default:
		s.say.result(vmTable(s.fabric, found.VMs).render(s.say.onOut) + vmDetails(found.VMs) + vmProblems(found.VMs, s.say.onOut))
		for _, g := range settings {
			s.say.result(fmt.Sprintf("\n%s  %s\n%s", s.say.onOut(bold, g.Format), s.say.onOut(dim, g.Where), indent("    ", g.Text)))
		}
	}
	for _, x := range found.Silent {
		s.say.warn("%v", x.Err) // what was asked for is known all the same
	}
	return nil
}

// A vmShowJSON is `vm show --json`. There are more than one VM only while it is
// being moved.
type vmShowJSON struct {
	VMs   []vms.Listed      `json:"vms"`
	Guest map[string]string `json:"guest"` // the guest's settings, by format
}
