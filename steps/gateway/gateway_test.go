package gateway

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/assets"
	"ipfabric/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

var fabrics = []string{"full", "plain", "nobfd"}

const secret = "not-so-secret"

// render renders the first core gateway of testdata/FABRIC.yaml.
func render(t *testing.T, vendor, fabric string) string {
	t.Helper()
	f, _, err := inventory.Load(filepath.Join("testdata", fabric+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.ReadSecrets(func(string) (string, bool) { return secret, true }, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	text, err := Render(vendor, f, f.CoreGateways[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The golden files of FRR are given to real FRR in the lab's tests, those of
// BIRD to BIRD's parser below.
func TestGolden(t *testing.T) {
	for _, vendor := range Vendors() {
		for _, fabric := range fabrics {
			got := render(t, vendor, fabric)
			file := filepath.Join("testdata", fabric+"-"+vendor+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got), or make golden:\n%s", file, diff)
			}
		}
	}
}

// A vendor has its name in the inventory, its function here and its template.
func TestEveryVendorIsComplete(t *testing.T) {
	var functions, templates []string
	for vendor := range renderers() {
		functions = append(functions, vendor)
	}
	files, err := fs.Glob(assets.Templates("gateway"), "*.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		templates = append(templates, strings.TrimSuffix(f, ".tmpl"))
	}
	want := slices.Sorted(slices.Values(inventory.Vendors()))
	slices.Sort(functions)
	if diff := cmp.Diff(want, functions); diff != "" {
		t.Errorf("functions (-inventory +here):\n%s", diff)
	}
	if diff := cmp.Diff(want, templates); diff != "" {
		t.Errorf("templates (-inventory +here):\n%s", diff)
	}
}

func TestUnknownVendorIsAnError(t *testing.T) {
	if text, err := Render("acme", &inventory.Fabric{}, inventory.CoreGateway{}); err == nil {
		t.Errorf("got %q", text)
	}
}

func TestNoTextHoldsThePassword(t *testing.T) {
	for _, vendor := range Vendors() {
		text := render(t, vendor, "full")
		if strings.Contains(text, secret) || !strings.Contains(text, PasswordPlaceholder) {
			t.Errorf("%s: the password is shown, or no place for it:\n%s", vendor, text)
		}
		if text := render(t, vendor, "plain"); strings.Contains(text, PasswordPlaceholder) {
			t.Errorf("%s: asks for a password that the fabric has not:\n%s", vendor, text)
		}
	}
}

// load does what `load set` of Junos does to a candidate configuration, as far
// as the texts use it.
func load(candidate map[string]bool, text string) {
	for line := range strings.Lines(text) {
		verb, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "set":
			if as := "routing-options autonomous-system "; strings.HasPrefix(path, as) {
				forget(candidate, strings.TrimSpace(as)) // it has one value only
			}
			candidate[path] = true
		case "delete":
			forget(candidate, path)
		}
	}
}

func forget(candidate map[string]bool, path string) {
	for p := range candidate {
		if p == path || strings.HasPrefix(p, path+" ") {
			delete(candidate, p)
		}
	}
}

// Whatever an older text has set is gone after a newer one, and what is not
// ipfabric's stays.
func TestJunosLeavesNothingOfAnOlderText(t *testing.T) {
	const own = "protocols bgp group UPSTREAM neighbor 192.0.2.1"
	for _, older := range fabrics {
		for _, newer := range fabrics {
			want, got := map[string]bool{own: true}, map[string]bool{own: true}
			load(want, render(t, "junos", newer))
			load(got, render(t, "junos", older))
			load(got, render(t, "junos", newer))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s after %s (-want +got):\n%s", newer, older, diff)
			}
		}
	}
}

// site is what an administrator has in bird.conf.
const site = `log syslog all;
protocol device { }
protocol direct { ipv4; ipv6; }
protocol bfd { }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol kernel { ipv6 { export where source = RTS_BGP; }; }
template bgp ipfabric_site { direct; password "not-so-secret"; }
include "ipfabric.conf";
`

func TestBIRDAcceptsTheText(t *testing.T) {
	for _, fabric := range fabrics {
		text := render(t, "bird", fabric)
		for _, conf := range []string{site, strings.Replace(site, "direct;", "multihop;", 1)} {
			if out, err := birdParses(t, conf, text); err != nil {
				t.Errorf("%s: BIRD refuses it: %v\n%s", fabric, err, out)
			}
		}
	}
}

// The judge of the test above can say no.
func TestBIRDCanSayNo(t *testing.T) {
	good := render(t, "bird", "plain")
	for _, bad := range [][2]string{
		{"hold time 30;", "hold time 1;"},
		{"import filter ipfabric_vm4_in;", "import filter nosuch;"},
		{"neighbor 10.10.0.11", "neighbor 10.10.0.311"},
		{"{32,32}", "{33,33}"},
	} {
		text := strings.Replace(good, bad[0], bad[1], 1)
		if text == good {
			t.Errorf("%q is not in the text", bad[0])
		}
		if _, err := birdParses(t, site, text); err == nil {
			t.Errorf("BIRD accepts %q", bad[1])
		}
	}
}

// birdParses gives bird.conf with the file that it includes to BIRD's parser.
func birdParses(t *testing.T, conf, text string) (string, error) {
	t.Helper()
	bird, err := exec.LookPath("bird")
	if err != nil {
		bird = "/usr/sbin/bird"
	}
	if _, err := os.Stat(bird); err != nil {
		t.Fatal("no bird here: apt-get install bird2 (it need not run)")
	}
	dir := t.TempDir()
	for name, data := range map[string]string{"bird.conf": conf, "ipfabric.conf": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(bird, "-p", "-c", filepath.Join(dir, "bird.conf")).CombinedOutput()
	return string(out), err
}

// By the number of the AS, then by the other: what the inventory's order is does
// not make a difference in the text.
func TestCommunitiesAreSorted(t *testing.T) {
	f := &inventory.Fabric{Communities: []inventory.Community{{High: 2, Low: 1}, {High: 1, Low: 9}, {High: 1, Low: 3}}}
	got := New(f, inventory.CoreGateway{}).Communities
	if diff := cmp.Diff([]inventory.Community{{High: 1, Low: 3}, {High: 1, Low: 9}, {High: 2, Low: 1}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if f.Communities[0].High != 2 {
		t.Error("the inventory was sorted")
	}
}

// FRR needs a profile only for what is not its own default: 3 times 300 ms.
func TestFRRProfileOfBFD(t *testing.T) {
	for _, tt := range []struct {
		bfd  inventory.BFD
		want bool
	}{
		{inventory.BFD{Enabled: true, Interval: 300 * time.Millisecond, Multiplier: 3}, false},
		{inventory.BFD{Enabled: true, Interval: 300 * time.Millisecond, Multiplier: 5}, true},
		{inventory.BFD{Enabled: true, Interval: 500 * time.Millisecond, Multiplier: 3}, true},
		{inventory.BFD{Interval: 500 * time.Millisecond, Multiplier: 5}, false},
	} {
		if got := frr(Gateway{BFD: tt.bfd}).(frrValues).BFDProfile; got != tt.want {
			t.Errorf("%+v: %v", tt.bfd, got)
		}
	}
}
