package inventory

import "testing"

func TestExampleIsValid(t *testing.T) {
	f, warnings, err := Parse("fabric.yaml", Example())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Error("warning:", w)
	}
	if len(f.RouteReflectors) != 2 || len(f.CoreGateways) != 1 || len(f.Nodes) != 3 {
		t.Errorf("got %d reflectors, %d gateways, %d nodes", len(f.RouteReflectors), len(f.CoreGateways), len(f.Nodes))
	}
}
