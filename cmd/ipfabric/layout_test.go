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

// arrows says which of our packages a package may import, "steps/..." without
// the module's name. CONTRIBUTING.md has the same table with each package's job.
// Folders below a program's (cmd/ipfabric-agent/internal/...) follow its rule
// unless they have one of their own, and may import each other.
var arrows = map[string]string{
	"assets":       "",
	"inventory":    "",
	"inventory/vm": "",
	"remote":       "",

	"steps/step":          "",
	"steps/step/steptest": "inventory", // for tests only
	"steps/run":           "steps/step",
	"steps/host":          "steps/step inventory assets",
	"steps/packages":      "steps/step steps/host inventory assets",
	"steps/bgp":           "steps/step inventory assets",
	"steps/frr/conf":      "steps/step inventory assets",
	"steps/frr":           "steps/step steps/host steps/packages steps/bgp steps/frr/conf inventory assets",
	"steps/firewall":      "steps/step steps/host inventory assets",
	"steps/gateway":       "inventory assets",
	"steps/agent":         "steps/step steps/host inventory inventory/vm assets",
	"steps/vms":           "steps/step steps/run steps/bgp steps/agent inventory inventory/vm assets",
	"steps/verify":        "steps/step steps/run steps/host steps/frr steps/bgp steps/agent steps/vms inventory inventory/vm assets",
	"steps": "steps/run steps/host steps/packages steps/frr steps/frr/conf steps/firewall steps/gateway steps/agent steps/bgp steps/step " +
		"inventory inventory/vm assets",

	"cmd/ipfabric":                  "cmd/ipfabric/internal/... docs inventory inventory/vm remote steps steps/...",
	"cmd/ipfabric/internal/ui":      "inventory inventory/vm steps/run steps/step steps/frr steps/frr/conf steps/vms steps/verify",
	"cmd/ipfabric/internal/session": "cmd/ipfabric/internal/ui inventory inventory/vm remote steps steps/...",
	"cmd/ipfabric-agent":            "inventory inventory/vm",
	"cmd/ipfabric-lab":              "inventory inventory/vm steps/vms steps/gateway",
	"docs":                          "",
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
		path, ok := strings.CutPrefix(p.ImportPath, "ipfabric/")
		owner := ownerOf(path)
		if !ok || owner == "" {
			t.Errorf("%s stands outside of the layout", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			to, ours := strings.CutPrefix(i, "ipfabric/")
			if !ours || ownerOf(to) == owner || mayImport(owner, to) {
				continue
			}
			t.Errorf("%s must not import %s", path, to)
		}
		// A test may use what its package may, the fakes, and nothing above it.
		for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
			to, ours := strings.CutPrefix(i, "ipfabric/")
			if !ours || to == "steps/step/steptest" || ownerOf(to) == owner || mayImport(owner, to) || !mayImport(ownerOf(to), owner) {
				continue
			}
			t.Errorf("the tests of %s must not import %s, which uses it", path, to)
		}
	}
	if seen < 20 {
		t.Errorf("saw %d packages, want at least 20", seen)
	}
}

func mayImport(owner, to string) bool {
	for _, allowed := range strings.Fields(arrows[owner]) {
		if folder, all := strings.CutSuffix(allowed, "..."); to == allowed || all && strings.HasPrefix(to, folder) {
			return true
		}
	}
	return false
}

// ownerOf returns the package of the layout that a package is, or that it lies
// below.
func ownerOf(path string) string {
	for p := path; ; {
		if _, ok := arrows[p]; ok && (p == path || strings.HasPrefix(p, "cmd/")) {
			return p
		}
		i := strings.LastIndex(p, "/")
		if i < 0 {
			return ""
		}
		p = p[:i]
	}
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
