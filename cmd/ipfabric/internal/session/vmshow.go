package session

import (
	"context"
	"fmt"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

// ShowVM prints a VM and the network settings of its guest: in one format if that
// is not "", as JSON, or for people.
func (s *Session) ShowVM(ctx context.Context, name, format, device string, asJSON bool) error {
	defer s.progress.Begin("asking for the VM")()
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
		if err := s.Say.ResultJSON(out); err != nil {
			return err
		}
	case format != "":
		for _, g := range settings {
			if g.Format == format {
				s.Say.Result(g.Text)
			}
		}
	default:
		s.Say.Result(ui.VMTable(s.fabric, found.VMs).Render(s.Say.OnOut) + ui.VMDetails(found.VMs) + ui.VMProblems(found, s.Say.OnOut))
		for _, g := range settings {
			s.Say.Result(fmt.Sprintf("\n%s  %s\n%s", s.Say.OnOut(ui.Bold, g.Format), s.Say.OnOut(ui.Dim, g.Where), ui.Indent("    ", g.Text)))
		}
	}
	for _, x := range found.Silent {
		s.Say.Warn("%v", x.Err) // what was asked for is known all the same
	}
	return nil
}

// A vmShowJSON is `vm show --json`. There are more than one VM only while it is
// being moved.
type vmShowJSON struct {
	VMs   []vms.Listed      `json:"vms"`
	Guest map[string]string `json:"guest"` // the guest's settings, by format
}
