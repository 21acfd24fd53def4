package steps

import (
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/frr"
	"ipfabric/steps/step/steptest"
)

func TestUpgradeIsOneHostAfterTheOther(t *testing.T) {
	f := steptest.Fabric(t, "full")
	plan, err := New(f, Options{FRR: frr.Options{Upgrade: true}})
	if err != nil {
		t.Fatal(err)
	}
	if !plan[1].EndsRun {
		t.Error("nodes are upgraded after a reflector has failed")
	}
	for _, s := range plan[1:] {
		if s.Parallel {
			t.Errorf("the %s are upgraded at the same time", s.Name)
		}
		for _, task := range s.Tasks {
			if got := task.Steps[0].String(); got != "FRR is the newest of its source" {
				t.Errorf("%s begins with %q", task.Node, got)
			}
		}
	}
}

func TestNewTouchesEveryManagedHostInOrder(t *testing.T) {
	f := steptest.Fabric(t, "full")
	f.RouteReflectors[1].Managed = false
	plan, err := New(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(plan.Hosts(), " "); got != "rr1 node1 node2" {
		t.Errorf("hosts are %q", got)
	}
	if plan[1].Parallel {
		t.Error("route reflectors are changed at the same time")
	}
	f.BGP.Password = inventory.Secret{Env: "X"}
	if _, err := New(f, Options{}); err == nil {
		t.Error("a plan without the password that the inventory names")
	}
}
