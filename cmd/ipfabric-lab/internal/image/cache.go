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
	base := filepath.Join(i.Path, "base")
	if core {
		return []string{filepath.Join(i.Path, "core"), base}
	}
	return []string{base}
}

// Exists says whether the image is (still) in the cache.
func (i Image) Exists() bool {
	_, err := os.Stat(filepath.Join(i.Path, "base"))
	return err == nil
}

// Ensure returns the image of a recipe and builds it if the cache has none.
// Two that want the same image at the same time build it once.
func Ensure(ctx context.Context, r Recipe, say func(format string, args ...any)) (Image, error) {
	img := Image{Path: filepath.Join(Cache, r.Key())}
	if img.Exists() {
		return img, nil
	}
	if err := os.MkdirAll(Cache, 0o755); err != nil {
		return Image{}, err
	}
	lock, err := flock.Take(ctx, img.Path+".lock", func() {
		say("image %s: somebody else is building it; waiting", r.OS)
	})
	if err != nil {
		return Image{}, err
	}
	defer lock.Remove()
	if img.Exists() {
		return img, nil
	}
	tmp, log := img.Path+".tmp", img.Path+".log"
	if err := os.RemoveAll(tmp); err != nil { // a killed build's
		return Image{}, err
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return Image{}, err
	}
	say("image %s: building it once, this takes a minute or two (log: %s)", r.OS, log)
	if err := build(ctx, r, tmp, log); err != nil {
		os.RemoveAll(tmp)
		return Image{}, hint.Add(fmt.Errorf("image %s: %w", r.OS, err),
			"the machines use the host's own apt mirror, %s: does `apt-get update` work here? The whole log is %s", r.Mirror.Main, log)
	}
	if err := syncFS(tmp); err != nil {
		return Image{}, err
	}
	if err := os.Rename(tmp, img.Path); err != nil {
		return Image{}, err
	}
	say("image %s: built", r.OS)
	return img, nil
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
