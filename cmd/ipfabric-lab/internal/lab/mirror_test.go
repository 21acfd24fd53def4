package lab

import (
	"os"
	"path/filepath"
	"testing"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

func TestMirrorsWithoutACoreAreRefused(t *testing.T) {
	l, _ := newLab(t)
	_, all := withMachines(t, l, plan.Size{Reflectors: 1, Nodes: 1})
	if err := l.addMirrors(t.Context(), all, false); err != nil {
		t.Errorf("nobody asked for a mirror: %v", err)
	}
	if err := l.addMirrors(t.Context(), all, true); hint.Of(err) != "add --cores 1" {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
}

// What a lab has is kept as long as the lab: its key is on machines by now.
func TestAMirrorThatIsThereIsKept(t *testing.T) {
	l, said := newLab(t)
	_, all := withMachines(t, l, plan.Size{Cores: 1, Reflectors: 1})
	key := l.path(filepath.Join("mirror", "debian12", "key.asc"))
	if err := os.MkdirAll(filepath.Dir(key), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, []byte("the key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.addMirrors(t.Context(), all, true); err != nil || read(t, key) != "the key" {
		t.Errorf("%v; it said %q", err, said)
	}
	if err := l.removeFiles(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.Dir); !os.IsNotExist(err) {
		t.Errorf("down leaves the lab's folder: %v", err)
	}
}
