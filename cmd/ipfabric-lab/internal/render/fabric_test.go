package render_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/cmd/ipfabric-lab/internal/render"
	"ipfabric/inventory"
	"ipfabric/steps/gateway"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// labFabric is what ipfabric makes of the lab's own fabric.yaml.
func labFabric(t *testing.T, size plan.Size, edit func(string) string) *inventory.Fabric {
	t.Helper()
	n := plan.Network(7)
	data, err := render.Fabric(n, n.Machines(size))
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		data = []byte(edit(string(data)))
	}
	f, warnings, err := inventory.Parse("/lab/fabric.yaml", data)
	if err != nil {
		t.Fatalf("ipfabric refuses the lab's fabric.yaml: %v\n%s", err, data)
	}
	if len(warnings) != 0 && size.Reflectors > 1 && size.Nodes > 0 && size.Cores > 0 {
		t.Errorf("ipfabric warns about the lab's fabric.yaml: %v", warnings)
	}
	password := func(string) ([]byte, error) { return []byte("s3cret\n"), nil }
	if err := f.ReadSecrets(os.LookupEnv, password); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFabric(t *testing.T) {
	n := plan.Network(7)
	got, err := render.Fabric(n, n.Machines(plan.Size{Cores: 1, Reflectors: 2, Nodes: 3}))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "fabric.yaml", got)
	f := labFabric(t, plan.Size{Cores: 1, Reflectors: 2, Nodes: 3}, nil)
	if len(f.Hosts()) != 6 {
		t.Errorf("got %d hosts, want 6", len(f.Hosts()))
	}
}

func TestFabricOfAnySizeIsValid(t *testing.T) {
	for _, s := range []plan.Size{{Reflectors: 1}, {Reflectors: 1, Nodes: 1}, {Cores: 10, Reflectors: 10, Nodes: 100}} {
		f := labFabric(t, s, nil)
		if got, want := len(f.Hosts()), s.Cores+s.Reflectors+s.Nodes; got != want {
			t.Errorf("%+v: got %d hosts, want %d", s, got, want)
		}
	}
}

// BIRD must accept the two files together.
func TestSite(t *testing.T) {
	noPassword := func(s string) string {
		return strings.Replace(s, "  password: {file: bgp.password}\n", "  max_prefixes: 10\n", 1)
	}
	for _, tt := range []struct {
		name string
		edit func(string) string
	}{
		{"bird.conf", nil},
		{"bird-nopassword.conf", noPassword},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := labFabric(t, plan.Size{Cores: 1, Reflectors: 2, Nodes: 1}, tt.edit)
			site, err := render.Site(f)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, site)
			text, err := gateway.Render("bird", f, f.CoreGateways[0])
			if err != nil {
				t.Fatal(err)
			}
			if out, err := birdParse(t, site, text); err != nil {
				t.Errorf("BIRD refuses it: %v\n%s", err, out)
			}
			if _, err := birdParse(t, bytes.Replace(site, []byte("ipfabric_site"), []byte("other"), 1), text); err == nil {
				t.Error("BIRD does not look into the included file")
			}
		})
	}
}

func birdParse(t *testing.T, site []byte, text string) (string, error) {
	t.Helper()
	bird, err := exec.LookPath("bird")
	if err != nil {
		bird = "/usr/sbin/bird"
	}
	if _, err := os.Stat(bird); err != nil {
		t.Fatal("no bird here: apt-get install bird2 (it need not run)")
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"bird.conf": site, "ipfabric.conf": []byte(text)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(bird, "-p", "-c", filepath.Join(dir, "bird.conf")).CombinedOutput()
	return string(out), err
}
