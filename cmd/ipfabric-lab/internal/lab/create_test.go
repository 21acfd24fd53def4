package lab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

func TestOperatingSystemsInTurn(t *testing.T) {
	machines := plan.Network(1).Machines(plan.Size{Cores: 1, Reflectors: 2, Nodes: 4})
	for _, tt := range []struct {
		options Options
		want    string // core1, rr1, rr2, node1 to node4
	}{
		{Options{OS: "debian12"}, "12 12 12 12 12 12 12"},
		{Options{OS: "debian12", NodeOS: []string{"debian11", "debian13", "el8-like"}}, "12 12 12 11 13 el8-like 11"},
		{Options{OS: "debian12", ReflectorOS: []string{"debian11", "debian13"}, NodeOS: []string{"el8-like"}}, "12 11 13 el8-like el8-like el8-like el8-like"},
		{Options{OS: "debian11"}, "12 11 11 11 11 11 11"},                                     // its BIRD is too old
		{Options{OS: "el8-like"}, "12 el8-like el8-like el8-like el8-like el8-like el8-like"}, // BIRD is not to be had for dnf
	} {
		got, err := tt.options.osOf(machines)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range machines {
			names = append(names, strings.TrimPrefix(got[m.Name].OS, "debian"))
		}
		if diff := cmp.Diff(tt.want, strings.Join(names, " ")); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.options, diff)
		}
	}
}

// el8-like machines would have no source of packages.
func TestRPMMachinesWithoutACoreAreRefused(t *testing.T) {
	l, _ := newLab(t)
	s := state{Network: 7, Size: plan.Size{Reflectors: 1, Nodes: 1}}
	_, err := l.create(t.Context(), nil, s, Options{OS: "debian12", NodeOS: []string{"el8-like"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "node1") || hint.Of(err) != "add --cores 1" {
		t.Errorf("got %v, hint %q", err, hint.Of(err))
	}
}
