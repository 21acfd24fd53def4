package engine

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

func TestAnOwnerWhoIsNotThereIsRefused(t *testing.T) {
	n := newNode(t)
	_, _, err := n.Add(context.Background(), vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Owner: "nosuchuser"})
	var refused *vm.Error
	if !errors.As(err, &refused) || refused.Code != vm.Invalid || refused.Next == "" {
		t.Errorf("got %v", err)
	}
	if got := n.VMs(context.Background()); len(got) != 0 {
		t.Errorf("it is stored all the same: %v", got)
	}
}

func TestAVMWhoseFileCannotBeUsedIsListed(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	n.mustAdd(t, "b", "203.0.113.2")
	if err := os.WriteFile(filepath.Join(n.dir, "vms.d", "a.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(n.dir, "vms.d", "no name.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reconcile(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := n.VMs(context.Background())
	if len(got) != 2 || got[0].Name != "a" || got[1].Name != "b" {
		t.Fatalf("got %+v", got)
	}
	a := got[0]
	if !strings.Contains(a.FileError, "its file cannot be used") || a.Interface != "a_net0" ||
		a.IPv4.String() != "203.0.113.1" || !a.Announced || a.Problem == "" {
		t.Errorf("got %+v", a)
	}
	if got[1].FileError != "" || got[1].Problem != "" {
		t.Errorf("got %+v", got[1])
	}
	// In the status there is the one that can have no VM, too.
	if s := n.Status(context.Background()); len(s.Problems) != 2 {
		t.Errorf("problems: %q", s.Problems)
	}
}

// Somebody edits the files: the second one is held back, and says why.
func TestAVMThatAnotherHasTheAddressOfSaysSo(t *testing.T) {
	n := newNode(t)
	n.mustAdd(t, "a", "203.0.113.1")
	file := `{"name": "b", "ip": "203.0.113.1", "link": "tap", "phase": "live", "source": "api"}`
	if err := os.WriteFile(filepath.Join(n.dir, "vms.d", "b.json"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.Reconcile(context.Background()); err != nil {
		t.Fatal(err)
	}
	got, err := n.VM(context.Background(), "b")
	if err != nil || !strings.Contains(got.Problem, "203.0.113.1 is VM a's") || got.FileError != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}
