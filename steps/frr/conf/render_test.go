package conf

import (
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

// The golden files are what real FRR is given in the lab's tests too.
func TestConfGolden(t *testing.T) {
	versions := map[string]Version{"7.5": {7, 5}, "8.4": {8, 4}, "10.3": {10, 3}, "10.7": {10, 7}}
	for _, fabric := range []string{"full", "plain"} {
		f := steptest.Fabric(t, fabric)
		for name, v := range versions {
			rr, err := Reflector(f, f.RouteReflectors[0], v)
			if err != nil {
				t.Fatal(err)
			}
			steptest.Golden(t, fabric+"-reflector-"+name+".conf", rr)
			node, err := Node(f, f.Nodes[0], v)
			if err != nil {
				t.Fatal(err)
			}
			steptest.Golden(t, fabric+"-node-"+name+".conf", node)
		}
	}
}

// FRR leaves out an address family without neighbors when it writes its
// configuration, so that it would always differ.
func TestAFamilyWithoutNeighborsIsLeftOut(t *testing.T) {
	f := steptest.Fabric(t, "plain")
	f.RouteReflectors, f.Nodes, f.CoreGateways = f.RouteReflectors[:1], nil, nil
	conf, err := Reflector(f, f.RouteReflectors[0], Version{8, 4})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(conf), "address-family") {
		t.Errorf("got\n%s", conf)
	}
}
