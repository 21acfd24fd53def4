package store

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
)

func newVM(name, ip string) vm.VM {
	return vm.VM{Name: name, IPv4: netip.MustParseAddr(ip)}
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s.Known() {
		return s
	}
	if err := s.Make(); err != nil {
		t.Fatal(err)
	}
	return s
}

func names(s *Store) []string {
	out := []string{}
	for _, v := range s.All() {
		out = append(out, v.Name)
	}
	return out
}

func TestWhatIsPutIsThereAfterAReboot(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, v := range []vm.VM{newVM("b", "203.0.113.2"), newVM("a", "203.0.113.1"), newVM("c", "203.0.113.3")} {
		if err := s.Put(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete("c"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetDrained(true); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if diff := cmp.Diff([]string{"a", "b"}, names(again)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if v, _ := again.Get("b"); v.IPv4 != netip.MustParseAddr("203.0.113.2") || v.Phase != vm.Live {
		t.Errorf("b is %+v", v)
	}
	if !again.Drained() {
		t.Error("it is no longer drained")
	}
	if err := again.SetDrained(false); err != nil {
		t.Fatal(err)
	}
	if open(t, dir).Drained() {
		t.Error("it is still drained")
	}
}

func TestATruncatedFileIsSetAsideAndLosesNoOther(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, v := range []vm.VM{newVM("a", "203.0.113.1"), newVM("b", "203.0.113.2"), newVM("c", "203.0.113.3")} {
		if err := s.Put(v); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "vms.d", "b.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data[:len(data)/2], 0o640); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after another start"} {
		s = open(t, dir)
		if diff := cmp.Diff([]string{"a", "c"}, names(s)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
		if why := s.Bad()["b"]; !strings.Contains(why, file+".corrupt") {
			t.Errorf("%s: b is reported as %q", when, why)
		}
	}
	if err := s.Put(newVM("b", "203.0.113.2")); err != nil {
		t.Fatal(err)
	}
	if s = open(t, dir); len(s.Bad()) != 0 || len(s.All()) != 3 {
		t.Errorf("after b was added again: %v, %v", names(s), s.Bad())
	}
}

func TestBadFiles(t *testing.T) {
	tests := []struct{ file, content, name, want string }{
		{"a.json", "", "a", "it is cut off"},
		{"a.json", `{"name":"b","ip":"203.0.113.1"}`, "a", "it is about a VM named b"},
		{"a.json", `{"name":"a","ip":"203.0.113.1","phase":"frozen"}`, "a", `phase "frozen"`},
		{"-x.json", `{"name":"-x","ip":"203.0.113.1"}`, "-x", "it must begin with a letter or a digit"},
	}
	for _, tt := range tests {
		dir := t.TempDir()
		open(t, dir)
		if err := os.WriteFile(filepath.Join(dir, "vms.d", tt.file), []byte(tt.content), 0o640); err != nil {
			t.Fatal(err)
		}
		if why := open(t, dir).Bad()[tt.name]; !strings.Contains(why, tt.want) {
			t.Errorf("%s holding %q: got %q, want %q in it", tt.file, tt.content, why, tt.want)
		}
	}
}

func TestAFileThatCannotBeWrittenChangesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Put(newVM("a", "203.0.113.1")); err != nil {
		t.Fatal(err)
	}
	// A folder in the place of the file: the rename at the very end fails, for
	// root too.
	if err := os.MkdirAll(filepath.Join(dir, "vms.d", "b.json", "x"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(newVM("b", "203.0.113.2")); err == nil {
		t.Fatal("it was taken")
	}
	if diff := cmp.Diff([]string{"a"}, names(s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "vms.d", ".tmp-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHalfWrittenFilesOfAKilledAgentAreRemoved(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	temp := filepath.Join(dir, "vms.d", ".tmp-123")
	if err := os.WriteFile(temp, []byte("{"), 0o640); err != nil {
		t.Fatal(err)
	}
	if s := open(t, dir); len(s.Bad()) != 0 {
		t.Errorf("it is reported: %v", s.Bad())
	}
	if _, err := os.Stat(temp); err == nil {
		t.Error("it is still there")
	}
}

// A full disk is no reason to forget what must hold at once.
func TestAChangeHoldsThoughTheDiskIsFull(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	v := vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Phase: vm.Waiting}
	if err := s.Put(v); err != nil {
		t.Fatal(err)
	}
	// Root can write wherever there is a folder, so it goes.
	away := filepath.Join(dir, "away")
	if err := os.Rename(filepath.Join(dir, vmsDir), away); err != nil {
		t.Fatal(err)
	}
	v.Phase = vm.Migrating
	if err := s.Change(v); err == nil {
		t.Error("it says that it is stored")
	}
	if got, _ := s.Get("a"); got.Phase != vm.Migrating {
		t.Errorf("got %+v", got)
	}
	if err := s.Probe(); err == nil {
		t.Error("it says that VMs can be stored")
	}
	if err := os.Rename(away, filepath.Join(dir, vmsDir)); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{s, again} {
		if got, _ := s.Get("a"); got.Phase != vm.Migrating {
			t.Errorf("there is room again: %+v", got)
		}
	}
	if err := s.Probe(); err != nil {
		t.Error(err)
	}
}

// An agent that is older than the one that wrote a file works with what it
// understands, and keeps the rest.
func TestAKeyOfANewerAgentSurvives(t *testing.T) {
	for name, version := range map[string]string{"of the same version": "", "of a newer version": `"version":2,`} {
		dir := t.TempDir()
		open(t, dir)
		file := filepath.Join(dir, "vms.d", "a.json")
		in := `{` + version + `"name":"a","ip":"203.0.113.1","vrf":{"id":7}}`
		if err := os.WriteFile(file, []byte(in), 0o640); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from what was written
			s := open(t, dir)
			v, ok := s.Get("a")
			if !ok || len(s.Bad()) != 0 || len(s.Unknown()) != 1 || s.Unknown()[0].Newer() != (version != "") {
				t.Fatalf("%s: %v, %v, %v", name, ok, s.Bad(), s.Unknown())
			}
			v.Phase = vm.Withdrawn
			if err := s.Put(v); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(data), `"id": 7`) || !strings.Contains(string(data), `"withdrawn"`) ||
				strings.Contains(string(data), `"version": 2`) != (version != "") {
				t.Errorf("%s: it wrote %s, %v", name, data, err)
			}
		}
		s := open(t, dir)
		if err := s.Delete("a"); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(newVM("a", "203.0.113.1")); err != nil {
			t.Fatal(err)
		}
		if data, _ := os.ReadFile(file); strings.Contains(string(data), "vrf") {
			t.Errorf("%s: another VM of that name got its key: %s", name, data)
		}
	}
}

// What a newer agent alone understands is left where that agent looks for it.
func TestAFileThatOnlyANewerAgentUnderstandsStays(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	file := filepath.Join(dir, "vms.d", "a.json")
	in := `{"version":2,"name":"a","ip":"203.0.113.1","phase":"frozen"}`
	if err := os.WriteFile(file, []byte(in), 0o640); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if why := s.Bad()["a"]; !strings.Contains(why, file+": ") || !strings.Contains(why, `phase "frozen"`) {
		t.Errorf("it is reported as %q", why)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != in {
		t.Errorf("%s, %v", data, err)
	}
}
