package session

import (
	"context"
	"fmt"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/vms"
)

// MoveVM moves a VM to another node and says what came of it.
func (s *Session) MoveVM(ctx context.Context, name, to string, o vms.MoveOptions) error {
	defer s.progress.Begin("moving the VM")()
	defer s.Signals.change()()
	began := time.Now()
	moved, err := s.vms().Move(ctx, name, to, o)
	if err != nil {
		return err
	}
	if moved.Already {
		s.Say.Note("VM %s is on %s already: nothing was changed", name, to)
		s.Say.Result(fmt.Sprintf("%s on %s: %s\n", s.Say.OnOut(ui.Bold, name), to, vmSummary(moved.VM)))
		return nil
	}
	s.Say.Result(fmt.Sprintf("%s on %s: %s (moved in %s)\n", s.Say.OnOut(ui.Bold, name), to, vmSummary(moved.VM), ui.Short(time.Since(began))))
	s.sayMissing(moved.VM)
	return nil
}
