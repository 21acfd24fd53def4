package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/flock"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

// Cache is where images are kept. A folder named KEY in it is complete:
// builds happen in KEY.tmp and are renamed at the end.
const Cache = "/var/cache/ipfabric-lab"

// An Image is a complete image in the cache.
type Image struct{ Path string }

// Layers are the folders that a machine's disk lies over, topmost first.
func (i Image) Layers(core bool) []string {
	base, over := filepath.Join(i.Path, "base"), filepath.Join(i.Path, "over")
	if core {
		return []string{filepath.Join(i.Path, "core"), base}
	}
	if _, err := os.Stat(over); err == nil {
		return []string{over, base}
	}
	return []string{base}
}

// Exists says whether the image is (still) in the cache, and the one that it
// lies over.
func (i Image) Exists() bool {
	_, err := os.Stat(filepath.Join(i.Path, "base"))
	return err == nil
}

// Ensure returns the image of a recipe and builds it if the cache has none.
func Ensure(ctx context.Context, r Recipe, say func(format string, args ...any)) (Image, error) {
	img := Image{Path: filepath.Join(Cache, r.Key())}
	j := job{script: buildScript, files: map[string]string{}, env: r.env("")}
	for name, data := range r.CAs {
		j.files[filepath.Join("cas", name)] = data
	}
	if r.From != "" {
		below, err := Ensure(ctx, r.from(), say)
		if err != nil {
			return Image{}, err
		}
		j = job{
			script: el8Script,
			files:  map[string]string{"userland.spec": el8Userland},
			env:    r.env(filepath.Join(below.Path, "base")),
		}
	}
	c := cached{what: "image " + r.OS, path: img.Path, complete: img.Exists, takes: "a minute or two", mirror: r.Mirror.Main}
	return img, c.ensure(ctx, j, say)
}

// cached is a folder of the cache.
type cached struct {
	what, path    string
	complete      func() bool
	takes, mirror string // for what is said to people
}

// ensure makes the folder be there. Two that want the same one at the same
// time build it once.
func (c cached) ensure(ctx context.Context, j job, say func(format string, args ...any)) error {
	if c.complete() {
		return nil
	}
	if err := os.MkdirAll(Cache, 0o755); err != nil {
		return err
	}
	lock, err := flock.Take(ctx, c.path+".lock", func() {
		say("%s: it is being built already; waiting for that", c.what)
	})
	if err != nil {
		return err
	}
	defer lock.Remove()
	if c.complete() {
		return nil
	}
	tmp, log := c.path+".tmp", c.path+".log"
	for _, dir := range []string{tmp, c.path} { // a killed build's; one over an image that is gone
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	say("%s: building it once, this takes %s (log: %s)", c.what, c.takes, log)
	if err := j.run(ctx, tmp, log); err != nil {
		os.RemoveAll(tmp)
		return hint.Add(fmt.Errorf("%s: %w", c.what, err),
			"the machines use the host's own apt mirror, %s: does `apt-get update` work here? The whole log is %s", c.mirror, log)
	}
	if err := syncFS(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, c.path); err != nil {
		return err
	}
	say("%s: built", c.what)
	return nil
}

// syncFS brings everything to disk, so that after a power cut a folder with
// the final name is never one with holes.
func syncFS(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// Purge removes all images and what killed builds left.
func Purge() error {
	entries, err := os.ReadDir(Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		// A killed build leaves the file, but not the lock on it.
		lock, err := flock.Try(filepath.Join(Cache, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: an image is being built", filepath.Join(Cache, e.Name()))
		}
		defer lock.Remove()
	}
	return os.RemoveAll(Cache)
}
