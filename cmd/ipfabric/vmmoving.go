package main

import (
	"context"
	"fmt"
	"time"

	"ipfabric/steps/vms"
)

func (s *session) vmMove(ctx context.Context, name, to string, o vms.MoveOptions) error {
	defer s.signals.change()()
	began := time.Now()
	moved, err := s.vms().Move(ctx, name, to, o)
	if err != nil {
		return err
	}
	if moved.Already {
		s.say.note("VM %s is on %s already: nothing was changed", name, to)
		s.say.result(fmt.Sprintf("%s on %s: %s\n", s.say.onOut(bold, name), to, vmSummary(moved.VM)))
		return nil
	}
	s.say.result(fmt.Sprintf("%s on %s: %s (moved in %s)\n", s.say.onOut(bold, name), to, vmSummary(moved.VM), short(time.Since(began))))
	s.sayMissing(moved.VM)
	return nil
}
