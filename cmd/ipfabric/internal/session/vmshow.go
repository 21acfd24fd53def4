package session

import (
	"context"
	"fmt"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

// likelyFormat is how most guests are configured.
const likelyFormat = "netplan"

// ShowVM prints a VM and its guest's network settings in the likely format; with a format these
// settings alone; or all as JSON.
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
		s.Say.Result(ui.VMStatus(found.VMs, s.Say.OnOut))
		for _, g := range settings {
			if g.Format == likelyFormat {
				s.Say.Result(fmt.Sprintf("\n%s\n%s", s.Say.OnOut(ui.Dim, "# "+g.Where), g.Text))
				s.Say.Note("these are the guest's settings for %s; `ipfabric vm show %s --format FORM` prints them for %s",
					likelyFormat, name, others(settings))
			}
		}
	}
	for _, x := range found.Silent {
		s.Say.Warn("%v", x.Err) // what was asked for is known all the same
	}
	return nil
}

// others names the formats beside the likely one: "a, b or c".
func others(settings []vms.GuestSettings) string {
	var names []string
	for _, g := range settings {
		if g.Format != likelyFormat {
			names = append(names, g.Format)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// A vmShowJSON is `vm show --json`. There are more than one VM only while it is
// being moved.
type vmShowJSON struct {
	VMs   []vms.Listed      `json:"vms"`
	Guest map[string]string `json:"guest"` // the guest's settings, by format
}
