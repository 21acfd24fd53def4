package steps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What real FRR showed after it had loaded the golden files is in sync with
// them, and no longer once a line is gone, changed or added.
func TestDiffConfOfRealRunningConfigurations(t *testing.T) {
	paths, err := filepath.Glob("testdata/conf/*.conf")
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
		if diff := diffConf(string(running), string(want)); len(diff) > 0 {
			t.Errorf("%s: %s", name, diff)
		}
		drifted := strings.Replace(string(running), " bgp log-neighbor-changes\n", " neighbor 10.9.9.9 remote-as 65001\n", 1)
		diff := diffConf(drifted, string(want))
		if len(diff) != 2 || !strings.Contains(diff[0].Have, "10.9.9.9") || !strings.Contains(diff[1].Want, "log-neighbor-changes") {
			t.Errorf("%s: drift gives %q", name, diff)
		}
	}
}

// The same line in another block is another line.
func TestDiffConfKnowsBlocks(t *testing.T) {
	a := "router bgp 1\n address-family ipv4 unicast\n  neighbor X activate\n exit-address-family\nexit\n"
	b := "router bgp 1\n address-family ipv6 unicast\n  neighbor X activate\n exit-address-family\nexit\n"
	if len(diffConf(a, b)) == 0 {
		t.Error("a line in another address family counts as the same")
	}
}

// FRR keeps a bfd block that nothing is in any more; what is in it counts.
func TestDiffConfOfEmptyBlocks(t *testing.T) {
	const want = "router bgp 1\n neighbor X peer-group\n"
	if diff := diffConf(want+"!\nbfd\n!\nline vty\n!\nend\n", want); len(diff) > 0 {
		t.Errorf("%s", diff)
	}
	diff := diffConf(want+"!\nbfd\n profile IPFABRIC\n  transmit-interval 500\n !\n!\n", want)
	if len(diff) != 2 || diff[1].Have != "bfd | profile IPFABRIC | transmit-interval 500" {
		t.Errorf("%q", diff)
	}
}

func TestParseReloadTest(t *testing.T) {
	const out = `2026-01-01 12:00:00,000  INFO: Loading Config object from vtysh show running

Lines To Delete
===============
no hostname rr1
ip forwarding
no bfd
router bgp 65000
 no neighbor 10.9.9.9 remote-as 65001

Lines To Add
============
hostname rr1
`
	want := Diff{
		{Item: "running configuration", Have: "router bgp 65000"},
		{Item: "running configuration", Have: "no neighbor 10.9.9.9 remote-as 65001"},
	}
	if diff := cmp.Diff(want, parseReloadTest(out)); diff != "" {
		t.Error(diff)
	}
}

func TestForeign(t *testing.T) {
	packaged := "# default to using syslog.\n#\nlog syslog informational\n"
	if foreign([]byte(packaged)) || foreign(nil) {
		t.Error("a new package's file counts as somebody's")
	}
	if foreign([]byte(confHeader + "\nrouter bgp 65000\n")) {
		t.Error("our own file counts as somebody's")
	}
	if !foreign([]byte(packaged + "router ospf\n")) {
		t.Error("somebody's file does not count as theirs")
	}
}

func TestEnableDaemons(t *testing.T) {
	in := "# bgpd=yes in a comment\nbgpd=no\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\n"
	want := "# bgpd=yes in a comment\nbgpd=yes\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\nbfdd=yes\n"
	if diff := cmp.Diff(want, string(enableDaemons([]byte(in)))); diff != "" {
		t.Error(diff)
	}
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease([]byte("# comment\nID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nVERSION_ID='12'\n"))
	want := map[string]string{"ID": "debian", "PRETTY_NAME": `Debian "12"`, "VERSION_ID": "12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFRRVersion(t *testing.T) {
	for in, want := range map[string]string{"8.4.4-1.1~deb12u2": "8.4", "10.3-1": "10.3", "7.5.1-1.1": "7.5", "1:9.1-2": "9.1"} {
		if v, err := parseFRRVersion(in); err != nil || v.String() != want {
			t.Errorf("%s: got %v, %v", in, v, err)
		}
	}
	if _, err := parseFRRVersion("stable"); err == nil {
		t.Error("stable counts as a version")
	}
}
