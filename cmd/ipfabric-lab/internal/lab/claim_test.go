package lab

import (
	"os"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

func TestClaimRefusesFoldersOfSomethingElse(t *testing.T) {
	l, _ := newLab(t)
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path("id_ed25519"), []byte("a key of somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := l.claim()
	if err == nil || !strings.Contains(err.Error(), "is not empty and not a lab: it has id_ed25519 in it") || hint.Of(err) == "" {
		t.Errorf("got %v", err)
	}
	if err := l.removeFiles(); err != nil {
		t.Fatal(err)
	}
	if read(t, l.path("id_ed25519")) != "a key of somebody's" {
		t.Error("down touched it")
	}
}

func TestClaimLeavesInventoriesAlone(t *testing.T) {
	l, _ := newLab(t)
	if err := os.MkdirAll(l.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.path("mine.yaml"), []byte("fabric: mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := l.claim(); err != nil {
		t.Error(err)
	}
	if err := l.removeFiles(); err != nil {
		t.Fatal(err)
	}
	if read(t, l.path("mine.yaml")) != "fabric: mine" {
		t.Error("down touched it")
	}
}
