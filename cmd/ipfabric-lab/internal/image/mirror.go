package image

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed mirror.sh
var aptMirrorScript string

//go:embed mirror-key.sh
var mirrorKeyScript string

//go:embed el8/mirror.sh
var rpmMirrorScript string

//go:embed el8/frr.spec
var rpmFRR string

// EnsureMirror returns a folder with a signed mirror of FRR for machines with
// the image of a recipe, to be served over HTTP, and makes it if the cache has
// none. It holds key.asc, which it is signed with, and wrong-key.asc, which it
// is not signed with. For apt there is the release's suite with two
// components: main has the distribution's FRR and next one that counts as
// newer. For dnf there are two repositories of these kinds, os and next.
func EnsureMirror(ctx context.Context, r Recipe, img Image, say func(format string, args ...any)) (string, error) {
	j := job{
		script: aptMirrorScript,
		files:  map[string]string{"mirror-key.sh": mirrorKeyScript},
		env:    r.env(filepath.Join(img.Path, "base")),
	}
	if r.RPM() {
		j.script, j.files["frr.spec"] = rpmMirrorScript, rpmFRR
	}
	path := filepath.Join(Cache, "mirror-"+r.OS+"-"+hashOf(filepath.Base(img.Path), j.script, j.files))
	c := cached{
		what: "mirror for " + r.OS, path: path, takes: "a few seconds", mirror: r.Mirror.Main,
		complete: func() bool {
			_, err := os.Stat(filepath.Join(path, "mirror"))
			return err == nil
		},
	}
	return filepath.Join(path, "mirror"), c.ensure(ctx, j, say)
}
