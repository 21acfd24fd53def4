package image

import (
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

// FRR in the image would make a lab that tries nothing.
func TestNoFRRInTheImage(t *testing.T) {
	for _, p := range append(append([]string{}, basePackages...), corePackages...) {
		if strings.Contains(p, "frr") {
			t.Errorf("%s is in the image", p)
		}
	}
}
