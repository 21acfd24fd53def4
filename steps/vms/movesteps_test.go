package vms

import (
	"context"
	"strings"
	"testing"
	"time"
)

// While the new node's kernel has the way back to the old one, both announce
// the VM; but not for ever.
func TestMoveWaitsForTheKernelOfTheNewNode(t *testing.T) {
	f := movable(t)
	f.passesOn = 3
	f.before = func(_ int, change string) error {
		if strings.HasPrefix(change, "node1: remove") && f.passesOn > 0 {
			t.Errorf("%q, and node2 would pass packets on", change)
		}
		return nil
	}
	c := f.control()
	c.Limit = time.Minute // however slow this machine is
	if _, err := c.Move(context.Background(), "web", "node2", MoveOptions{Wait: time.Minute}); err != nil {
		t.Error(err)
	}
	f = movable(t)
	f.passesOn = 1 << 20
	if _, err := f.move("node2"); err != nil || f.has("web") != "node2 live" {
		t.Errorf("%v, %s", err, f.has("web"))
	}
}
