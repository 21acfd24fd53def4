package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// arrows says which of our packages a package may import. Folders below one
// (internal/…) follow its rule, and may import each other.
var arrows = map[string][]string{
	"ipfabric/cmd/ipfabric":       {"ipfabric/steps", "ipfabric/inventory", "ipfabric/inventory/vm", "ipfabric/assets", "ipfabric/remote"},
	"ipfabric/cmd/ipfabric-agent": {"ipfabric/inventory", "ipfabric/inventory/vm"},
	"ipfabric/cmd/ipfabric-lab":   {"ipfabric/inventory", "ipfabric/inventory/vm", "ipfabric/steps"},
	"ipfabric/steps":              {"ipfabric/inventory", "ipfabric/inventory/vm", "ipfabric/assets"},
	"ipfabric/inventory":          {},
	"ipfabric/inventory/vm":       {},
	"ipfabric/assets":             {},
	"ipfabric/remote":             {},
}

func TestArrowsOfTheLayout(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "ipfabric/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); seen++ {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		owner := ownerOf(p.ImportPath)
		if owner == "" {
			t.Errorf("%s stands outside of the layout", p.ImportPath)
			continue
		}
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to := ownerOf(i)
			if !strings.HasPrefix(i, "ipfabric/") || to == owner || slices.Contains(arrows[owner], to) {
				continue
			}
			t.Errorf("%s must not import %s", p.ImportPath, i)
		}
	}
	if seen < len(arrows) {
		t.Errorf("saw %d packages, want at least %d", seen, len(arrows))
	}
}

// ownerOf returns the package of the layout that a package is or lies below: the
// nearest one.
func ownerOf(path string) string {
	nearest := ""
	for owner := range arrows {
		if (path == owner || strings.HasPrefix(path, owner+"/")) && len(owner) > len(nearest) {
			nearest = owner
		}
	}
	return nearest
}

func TestTopLevel(t *testing.T) {
	allowed := strings.Fields(`cmd steps remote inventory assets docs .ci .git .gitignore bin .lab
		go.mod go.sum Makefile CHANGELOG.md README.md CONTRIBUTING.md LICENSE`)
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}
