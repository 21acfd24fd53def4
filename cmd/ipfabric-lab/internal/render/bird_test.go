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

func TestBird(t *testing.T) {
	noBFD := func(s string) string { return strings.Replace(s, "bgp:\n", "bgp:\n  bfd: false\n", 1) }
	only4 := func(s string) string {
		s = strings.Replace(s, "  - \"2001:db8:100::/48\"\n", "", 1)
		s = strings.Replace(s, "  ipv6: \"fe80::1\"\n", "", 1)
		return strings.Replace(s, "  password: {file: bgp.password}\n", "  max_prefixes: 10\n", 1)
	}
	for _, tt := range []struct {
		name string
		edit func(string) string
	}{
		{"bird.conf", nil},
		{"bird-nobfd.conf", noBFD},
		{"bird-ipv4-nopassword.conf", only4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := labFabric(t, plan.Size{Cores: 1, Reflectors: 2, Nodes: 1}, tt.edit)
			got, err := render.Bird(f, f.CoreGateways[0])
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name, got)
			if out, err := birdParse(t, got); err != nil {
				t.Errorf("BIRD refuses it: %v\n%s", err, out)
			}
		})
	}
}

// TestBirdCanSayNo shows that the judge of the test above is one.
func TestBirdCanSayNo(t *testing.T) {
	f := labFabric(t, plan.Size{Cores: 1, Reflectors: 2, Nodes: 1}, nil)
	good, err := render.Bird(f, f.CoreGateways[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][2]string{
		{"hold time 30;", "hold time 1;"},
		{"import filter vm4_in;", "import filter nosuch;"},
		{"neighbor 10.213.7.11", "neighbor 10.213.7.311"},
		{"{32,32}", "{33,33}"},
	} {
		text := bytes.Replace(good, []byte(bad[0]), []byte(bad[1]), 1)
		if bytes.Equal(text, good) {
			t.Errorf("%q is not in the file", bad[0])
		}
		if _, err := birdParse(t, text); err == nil {
			t.Errorf("BIRD accepts %q", bad[1])
		}
	}
}

func birdParse(t *testing.T, conf []byte) (string, error) {
	t.Helper()
	bird, err := exec.LookPath("bird")
	if err != nil {
		bird = "/usr/sbin/bird"
	}
	if _, err := os.Stat(bird); err != nil {
		t.Fatal("no bird here: apt-get install bird2 (it need not run)")
	}
	file := filepath.Join(t.TempDir(), "bird.conf")
	if err := os.WriteFile(file, conf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(bird, "-p", "-c", file).CombinedOutput()
	return string(out), err
}
