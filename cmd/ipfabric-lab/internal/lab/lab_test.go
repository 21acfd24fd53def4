package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/inventory"
)

// newLab returns a lab in an empty folder, and what it says.
func newLab(t *testing.T) (*Lab, *strings.Builder) {
	t.Helper()
	var said strings.Builder
	l, err := Open(filepath.Join(t.TempDir(), ".lab"), func(format string, args ...any) {
		fmt.Fprintf(&said, format+"\n", args...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return l, &said
}

// withMachines writes what up writes before it boots.
func withMachines(t *testing.T, l *Lab, size plan.Size) (state, []*machine.Machine) {
	t.Helper()
	s, err := l.claim()
	if err != nil {
		t.Fatal(err)
	}
	s.Network = 7
	key, err := l.writeKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Network.Machines(size) {
		dir := machine.Folder(l.Dir, p.Name)
		if _, err := machine.Create(dir, l.ID, p, "debian12", image.Image{}, s.Network, machine.Settings{AuthorizedKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := l.Machines()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.writeKnownHosts(all); err != nil {
		t.Fatal(err)
	}
	if err := l.writeFabric(&s, plans(all)); err != nil {
		t.Fatal(err)
	}
	return s, all
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFilesForTheOperator(t *testing.T) {
	l, _ := newLab(t)
	withMachines(t, l, plan.Size{Cores: 1, Reflectors: 2, Nodes: 3})
	f, warnings, err := inventory.Load(l.path("fabric.yaml"))
	if err != nil || len(warnings) != 0 {
		t.Fatalf("fabric.yaml: %v, %v", warnings, err)
	}
	if err := f.CheckFiles(); err != nil {
		t.Errorf("files that fabric.yaml names: %v", err)
	}
	if err := f.ReadSecrets(os.LookupEnv, os.ReadFile); err != nil {
		t.Errorf("password: %v", err)
	}
	for _, name := range []string{"id_ed25519", "bgp.password"} {
		if fi, err := os.Stat(l.path(name)); err != nil || fi.Mode() != 0o600 {
			t.Errorf("%s: %v, %v; others must not read it", name, fi.Mode(), err)
		}
	}
	if lines := strings.Count(read(t, l.path("known_hosts")), "\n"); lines != 6 {
		t.Errorf("known_hosts has %d lines for 6 machines", lines)
	}
}

func TestASecondUpKeepsKeys(t *testing.T) {
	l, _ := newLab(t)
	s, all := withMachines(t, l, plan.Size{Reflectors: 1})
	names := []string{"id_ed25519", "id_ed25519.pub", "bgp.password", "known_hosts", "fabric.yaml", "lab.json"}
	before := map[string]string{}
	for _, n := range names {
		before[n] = read(t, l.path(n))
	}
	if _, err := l.claim(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.writeKey(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.writeKnownHosts(all), l.writeFabric(&s, plans(all))); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if got := read(t, l.path(n)); got != before[n] {
			t.Errorf("%s changed", n)
		}
	}
}

func TestKnownHostsOfOthersStay(t *testing.T) {
	l, _ := newLab(t)
	_, all := withMachines(t, l, plan.Size{Reflectors: 1})
	mine := read(t, l.path("known_hosts"))
	const other = "192.0.2.1 ssh-ed25519 AAAAother\n"
	const stale = "10.213.7.11 ssh-ed25519 AAAAstale\n"
	if err := os.WriteFile(l.path("known_hosts"), []byte(other+stale), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.writeKnownHosts(all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(mine+other, read(t, l.path("known_hosts"))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFabricGrowsWithTheLab(t *testing.T) {
	l, _ := newLab(t)
	withMachines(t, l, plan.Size{Cores: 1, Reflectors: 2, Nodes: 1})
	s, all := withMachines(t, l, plan.Size{Cores: 1, Reflectors: 2, Nodes: 2})
	if !strings.Contains(read(t, l.path("fabric.yaml")), "node2") {
		t.Error("fabric.yaml was not edited, but lacks the new node")
	}
	edited := strings.Replace(read(t, l.path("fabric.yaml")), "65000:100", "65000:200", 1)
	edited = edited[:strings.Index(edited, "  - name: node2")]
	if err := os.WriteFile(l.path("fabric.yaml"), []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := l.writeFabric(&s, plans(all)); err != nil {
		t.Fatal(err)
	}
	if read(t, l.path("fabric.yaml")) != edited {
		t.Error("an edited fabric.yaml was overwritten")
	}
	missing, err := l.Missing()
	if err != nil || len(missing) != 1 || missing[0].Name != "node2" {
		t.Errorf("missing from fabric.yaml: %v, %v", missing, err)
	}
}

func TestRemoveFiles(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, l *Lab)
		left   []string
	}{
		{"whole", func(*testing.T, *Lab) {}, nil},
		{"fabric.yaml edited", func(t *testing.T, l *Lab) {
			if err := os.WriteFile(l.path("fabric.yaml"), []byte("mine"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"fabric.yaml"}},
		{"a file of somebody's", func(t *testing.T, l *Lab) {
			if err := os.WriteFile(l.path("notes"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"notes"}},
		{"half gone", func(t *testing.T, l *Lab) {
			if err := errors.Join(os.Remove(l.path("fabric.yaml")), os.RemoveAll(l.path("machines"))); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"lab.json damaged", func(t *testing.T, l *Lab) {
			if err := os.WriteFile(l.path("lab.json"), []byte("{"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"fabric.yaml"}},
		{"a write that was killed", func(t *testing.T, l *Lab) {
			if err := os.WriteFile(l.path(tmpPrefix+"123"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, _ := newLab(t)
			withMachines(t, l, plan.Size{Reflectors: 1})
			tt.change(t, l)
			for range 2 {
				if err := l.removeFiles(); err != nil {
					t.Fatal(err)
				}
			}
			entries, err := os.ReadDir(l.Dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			var left []string
			for _, e := range entries {
				left = append(left, e.Name())
			}
			if diff := cmp.Diff(tt.left, left); diff != "" {
				t.Errorf("left behind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheSameFolderIsTheSameLab(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".lab", "."} { // before and after it is made
		a, err := Open(filepath.Join(dir, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Open(filepath.Join(link, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.ID != b.ID {
			t.Errorf("%s is the lab %s, and %s by a link", a.Dir, a.ID, b.ID)
		}
	}
}

func TestMachineThatIsNotThere(t *testing.T) {
	l, _ := newLab(t)
	if _, err := l.Machine("rr1"); err == nil || !strings.Contains(hint.Of(err), "ipfabric-lab up") {
		t.Errorf("without any machine: %v, hint %q", err, hint.Of(err))
	}
	withMachines(t, l, plan.Size{Reflectors: 2, Nodes: 1})
	if _, err := l.Machine("rr9"); err == nil || hint.Of(err) != "it has rr1, rr2 and node1" {
		t.Errorf("with some: %v, hint %q", err, hint.Of(err))
	}
}

func TestWantedSize(t *testing.T) {
	unsaid := plan.Size{Cores: -1, Reflectors: -1, Nodes: -1}
	there := plan.Size{Reflectors: 1, Nodes: 5}
	for _, tt := range []struct {
		name               string
		want, before, size plan.Size
	}{
		{"a new lab", unsaid, plan.Size{}, plan.Size{Cores: 1, Reflectors: 2, Nodes: 3}},
		{"a new lab of a certain size", plan.Size{Cores: 0, Reflectors: -1, Nodes: 1}, plan.Size{}, plan.Size{Reflectors: 2, Nodes: 1}},
		{"one that is there", unsaid, there, there},
		{"machines are only added", plan.Size{Cores: 1, Reflectors: -1, Nodes: 2}, there, plan.Size{Cores: 1, Reflectors: 1, Nodes: 5}},
	} {
		if got := wantedSize(tt.want, tt.before); got != tt.size {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.size)
		}
	}
}
