package steps

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testFabric reads testdata/conf/NAME.yaml.
func testFabric(t *testing.T, name string) *inventory.Fabric {
	t.Helper()
	f, _, err := inventory.Load(filepath.Join("testdata", "conf", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	env := func(string) (string, bool) { return "not-so-secret", true }
	if err := f.ReadSecrets(env, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	return f
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "conf", name)
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

// The golden files are what real FRR is given in the lab's tests too.
func TestConfGolden(t *testing.T) {
	versions := map[string]frrVersion{"7.5": {7, 5}, "8.4": {8, 4}, "10.3": {10, 3}, "10.7": {10, 7}}
	for _, fabric := range []string{"full", "plain"} {
		f := testFabric(t, fabric)
		for name, v := range versions {
			rr, err := reflectorConf(f, f.RouteReflectors[0], v)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, fabric+"-reflector-"+name+".conf", rr)
			node, err := nodeConf(f, f.Nodes[0], v)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, fabric+"-node-"+name+".conf", node)
		}
	}
}

// FRR leaves out an address family without neighbors when it writes its
// configuration, so that it would always differ.
func TestAFamilyWithoutNeighborsIsLeftOut(t *testing.T) {
	f := parseFabric(t, vmFabric)
	f.RouteReflectors, f.Nodes = f.RouteReflectors[:1], nil
	conf, err := reflectorConf(f, f.RouteReflectors[0], frrVersion{8, 4})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(conf), "address-family") {
		t.Errorf("got\n%s", conf)
	}
}
