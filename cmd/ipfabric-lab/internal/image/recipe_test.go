package image

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric-lab/internal/aptconf"
)

func recipe() Recipe {
	return Recipe{
		Release: Release{OS: "debian12", Distribution: "debian", Codename: "bookworm"},
		Mirror:  aptconf.Mirror{Main: "http://mirror.example/debian", Components: []string{"main"}},
	}
}

// What makes another image must have another key: the cache would hand out a
// wrong one otherwise.
func TestKey(t *testing.T) {
	keys := map[string]string{recipe().Key(): "the recipe itself"}
	if _, ok := keys[recipe().Key()]; !ok {
		t.Error("the same recipe has two keys")
	}
	for what, change := range map[string]func(*Recipe){
		"release":     func(r *Recipe) { r.Release = Release{OS: "debian13", Distribution: "debian", Codename: "trixie"} },
		"mirror":      func(r *Recipe) { r.Mirror.Main = "http://other.example/debian" },
		"security":    func(r *Recipe) { r.Mirror.Security = "http://mirror.example/debian-security" },
		"proxy":       func(r *Recipe) { r.Options = []aptconf.Option{{Key: "Acquire::http::Proxy", Value: "http://p"}} },
		"certificate": func(r *Recipe) { r.CAs = map[string]string{"a.crt": "A"} },
	} {
		r := recipe()
		change(&r)
		if other, ok := keys[r.Key()]; ok {
			t.Errorf("another %s has the same key as %s", what, other)
		}
		keys[r.Key()] = what
	}
}

func TestFindRelease(t *testing.T) {
	for _, name := range Names() {
		if r, err := FindRelease(name); err != nil || r.OS != name {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	_, err := FindRelease("debian99")
	if err == nil || !strings.Contains(err.Error(), "debian12") {
		t.Errorf("the error does not say what there is: %v", err)
	}
}

// el8-like is a layer over debian11: what changes that changes both.
func TestKeyOfALayer(t *testing.T) {
	r := recipe()
	r.Release = release(t, "el8-like")
	below := r.from()
	if below.OS != "debian11" || strings.HasPrefix(r.Key(), "debian11") {
		t.Errorf("%s lies over %s", r.Key(), below.Key())
	}
	before := r.Key()
	r.CAs = map[string]string{"a.crt": "A"}
	if r.Key() == before || r.from().Key() == below.Key() {
		t.Error("one of them would be taken from the cache")
	}
}

func TestLayers(t *testing.T) {
	img := Image{Path: t.TempDir()}
	base, over, core := filepath.Join(img.Path, "base"), filepath.Join(img.Path, "over"), filepath.Join(img.Path, "core")
	if got := img.Layers(false); !slices.Equal(got, []string{base}) {
		t.Errorf("got %v", got)
	}
	if got := img.Layers(true); !slices.Equal(got, []string{core, base}) {
		t.Errorf("core gateway: got %v", got)
	}
	below := t.TempDir()
	if err := errors.Join(os.Mkdir(over, 0o755), os.Symlink(filepath.Join(below, "base"), base)); err != nil {
		t.Fatal(err)
	}
	if img.Exists() {
		t.Error("it is there, but what it lies over is not")
	}
	if err := os.Mkdir(filepath.Join(below, "base"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := img.Layers(false); !img.Exists() || !slices.Equal(got, []string{over, base}) {
		t.Errorf("el8-like: got %v", got)
	}
}

// Debian 11's FRR in the security suite is not to be had from mirrors.
func TestNoSecuritySuiteOfUnsupportedReleases(t *testing.T) {
	r := recipe()
	r.Mirror.Security = "http://mirror.example/debian-security"
	for os, want := range map[string]bool{"debian11": false, "el8-like": false, "debian12": true, "debian13": true} {
		r.Release = release(t, os)
		if got := strings.Contains(strings.Join(r.env(""), "\n"), "-security "); got != want {
			t.Errorf("%s: security suite: %v, want %v", os, got, want)
		}
	}
}

// A typing error would show after minutes of building.
func TestScriptsAreShell(t *testing.T) {
	for _, script := range []string{buildScript, el8Script, aptMirrorScript, rpmMirrorScript, mirrorKeyScript} {
		if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%.100s", err, out, script)
		}
	}
}

func release(t *testing.T, os string) Release {
	t.Helper()
	r, err := FindRelease(os)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// FRR in the image would make a lab that tries nothing.
func TestNoFRRInTheImage(t *testing.T) {
	for _, p := range slices.Concat(basePackages, corePackages, el8Packages) {
		if strings.Contains(p, "frr") {
			t.Errorf("%s is in the image", p)
		}
	}
}
