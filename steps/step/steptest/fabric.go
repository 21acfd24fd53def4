package steptest

import (
	"embed"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
)

//go:embed *.yaml
var fabrics embed.FS

// Fabric is the fabric NAME.yaml of this folder: "plain", "full" or "mixed".
func Fabric(t testing.TB, name string) *inventory.Fabric {
	t.Helper()
	text, err := fabrics.ReadFile(name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := inventory.Parse(name+".yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	env := func(string) (string, bool) { return "not-so-secret", true }
	if err := f.ReadSecrets(env, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	return f
}

// Golden compares with the file NAME of the package's testdata; "make golden"
// writes it anew.
func Golden(t testing.TB, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got), or make golden:\n%s", path, diff)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// ParseFabric parses an inventory.
func ParseFabric(t testing.TB, text string) *inventory.Fabric {
	t.Helper()
	f, _, err := inventory.Parse("fabric.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
