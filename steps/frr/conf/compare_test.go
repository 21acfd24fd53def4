package conf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What real FRR showed after it had loaded the golden files is in sync with
// them, and no longer once a line is gone, changed or added.
func TestDiffConfOfRealRunningConfigurations(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.conf")
	if err != nil || len(paths) != 16 {
		t.Fatal("four versions have four files each", paths, err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".conf")
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		running, err := os.ReadFile("testdata/running/" + name + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		if diff := Compare(string(running), string(want)); len(diff) > 0 {
			t.Errorf("%s: %s", name, diff)
		}
		drifted := strings.Replace(string(running), " bgp log-neighbor-changes\n", " neighbor 10.9.9.9 remote-as 65001\n", 1)
		diff := Compare(drifted, string(want))
		if len(diff) != 2 || !strings.Contains(diff[0].Have, "10.9.9.9") || !strings.Contains(diff[1].Want, "log-neighbor-changes") {
			t.Errorf("%s: drift gives %q", name, diff)
		}
	}
}

// The same line in another block is another line.
func TestDiffConfKnowsBlocks(t *testing.T) {
	a := "router bgp 1\n address-family ipv4 unicast\n  neighbor X activate\n exit-address-family\nexit\n"
	b := "router bgp 1\n address-family ipv6 unicast\n  neighbor X activate\n exit-address-family\nexit\n"
	if len(Compare(a, b)) == 0 {
		t.Error("a line in another address family counts as the same")
	}
}

// FRR keeps a bfd block that nothing is in any more; what is in it counts.
func TestDiffConfOfEmptyBlocks(t *testing.T) {
	const want = "router bgp 1\n neighbor X peer-group\n"
	if diff := Compare(want+"!\nbfd\n!\nline vty\n!\nend\n", want); len(diff) > 0 {
		t.Errorf("%s", diff)
	}
	diff := Compare(want+"!\nbfd\n profile IPFABRIC\n  transmit-interval 500\n !\n!\n", want)
	if len(diff) != 2 || diff[1].Have != "bfd | profile IPFABRIC | transmit-interval 500" {
		t.Errorf("%q", diff)
	}
}

func TestFRRVersion(t *testing.T) {
	for in, want := range map[string]string{"8.4.4-1.1~deb12u2": "8.4", "10.3-1": "10.3", "7.5.1-1.1": "7.5", "1:9.1-2": "9.1"} {
		if v, err := ParseVersion(in); err != nil || v.String() != want {
			t.Errorf("%s: got %v, %v", in, v, err)
		}
	}
	if _, err := ParseVersion("stable"); err == nil {
		t.Error("stable counts as a version")
	}
}
