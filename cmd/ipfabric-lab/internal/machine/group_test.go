package machine

import (
	"slices"
	"testing"
)

func TestWrap(t *testing.T) {
	argv := []string{"unshare", "--mount", "sh"}
	plain := group{paths: []string{"/sys/fs/cgroup/ipfabric-lab/x/rr1"}}
	if got := plain.wrap(argv, nil, "rr1", "/d", "/d/console.log"); !slices.Equal(got, argv) {
		t.Errorf("without systemd: %q", got)
	}
	if got := plain.join(); !slices.Equal(got, plain.paths) {
		t.Errorf("groups to enter without systemd: %q", got)
	}
	unit := group{unit: "ipfabric-lab-x-rr1.service", paths: plain.paths}
	got := unit.wrap(argv, []string{"A=b c"}, "rr1", "/d", "/d/console.log")
	for _, want := range []string{"--unit=ipfabric-lab-x-rr1.service", "--property=Delegate=yes", "--setenv=A=b c", "--working-directory=/d"} {
		if !slices.Contains(got, want) {
			t.Errorf("with systemd: %q is not in %q", want, got)
		}
	}
	if !slices.Equal(got[len(got)-4:], append([]string{"--"}, argv...)) {
		t.Errorf("the command is not last: %q", got)
	}
	if unit.join() != nil {
		t.Error("systemd puts the machine into its group, nobody else")
	}
}

func TestAGroupThatIsNotThere(t *testing.T) {
	g := group{paths: []string{t.TempDir() + "/none"}}
	if g.populated() {
		t.Error("it has processes")
	}
	if err := g.kill(t.Context()); err != nil {
		t.Errorf("killing it: %v", err)
	}
}
