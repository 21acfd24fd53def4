package engine

import (
	"slices"
	"strings"
	"testing"
)

func TestHandOver(t *testing.T) {
	for _, addr := range []string{
		"203.0.113.66", // another node announces it
		"203.0.113.1",  // nobody does: it goes all the same
	} {
		n := newNode(t)
		n.mustAdd(t, "a", addr)
		n.kernel.done = nil
		if err := n.HandOver(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		n.wantRoutes(t, "handed over")
		order := []string{"add fallback " + addr + "/32", "remove route " + addr + "/32 metric 1024", "delete"}
		var at []int
		for _, op := range order {
			at = append(at, slices.IndexFunc(n.kernel.done, func(done string) bool { return strings.HasPrefix(done, "a_net0: "+op) }))
		}
		if at[0] < 0 || !slices.IsSorted(at) {
			t.Errorf("want %q in this order, got %q", order, n.kernel.done)
		}
	}
}

func TestADrainedNodeHandsOverWithoutRoutes(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.66")
	if err := n.Drain(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := n.HandOver(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(n.kernel.done, func(op string) bool { return strings.Contains(op, "fallback") }) {
		t.Errorf("a drained node got a route: %q", n.kernel.done)
	}
}
