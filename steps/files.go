package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"ipfabric/assets"
)

// A file is one file as it must be.
type file struct {
	path  string
	data  []byte
	mode  fs.FileMode
	owner string // "user:group"; "" is root:root
}

func (f file) ownerName() string {
	if f.owner == "" {
		return "root:root"
	}
	return f.owner
}

// filesAre: files are there, with their content, mode and owner.
type filesAre struct {
	name  string
	files []file
	// then runs after the files were written, where Check sees by itself
	// whether it is still needed.
	then []string
}

func (s filesAre) String() string { return s.name }

func (s filesAre) Check(ctx context.Context, r Reader) (Diff, error) {
	return diffFiles(ctx, r, s.files)
}

func (s filesAre) Apply(ctx context.Context, h Host) error {
	if err := writeFiles(ctx, h, s.files); err != nil {
		return err
	}
	if s.then == nil {
		return nil
	}
	return h.Run(ctx, s.then...)
}

// diffFiles compares files by one question for all of them. Only those that
// differ are read.
func diffFiles(ctx context.Context, r Reader, files []file) (Diff, error) {
	argv := assets.Script("stat-files.sh")
	for _, f := range files {
		argv = append(argv, f.path)
	}
	out, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(files) {
		return nil, fmt.Errorf("asked for %d files, the answer has %d lines", len(files), len(lines))
	}
	var diff Diff
	for i, f := range files {
		sum := hash(f.data)
		if lines[i] == fmt.Sprintf("%o %s %s", f.mode.Perm(), f.ownerName(), sum) {
			continue
		}
		change, err := f.change(ctx, r, lines[i], sum)
		if err != nil {
			return nil, err
		}
		diff = append(diff, change)
	}
	return diff, nil
}

// change describes how a file differs: text by its content, the rest by its
// size and what it is called.
func (f file) change(ctx context.Context, r Reader, found, sum string) (Change, error) {
	c := Change{Item: f.path, Want: f.describe(sum)}
	if found == "absent" {
		return c, nil
	}
	access, have, _ := cutLast(found, " ")
	if have == sum {
		return Change{Item: "mode and owner of " + f.path, Have: access, Want: fmt.Sprintf("%o %s", f.mode.Perm(), f.ownerName())}, nil
	}
	if !utf8.Valid(f.data) {
		c.Have = "sha256 " + have[:min(12, len(have))]
		return c, nil
	}
	data, err := r.ReadFile(ctx, f.path)
	if err != nil {
		return Change{}, err
	}
	c.Have = string(data)
	return c, nil
}

func (f file) describe(sum string) string {
	if utf8.Valid(f.data) {
		return string(f.data)
	}
	return "sha256 " + sum[:12]
}

func writeFiles(ctx context.Context, h Host, files []file) error {
	for _, f := range files {
		if err := writeFile(ctx, h, f); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes one file with its mode, owner and label.
func writeFile(ctx context.Context, h Host, f file) error {
	if err := h.WriteFile(ctx, f.path, f.data, f.mode); err != nil {
		return err
	}
	return h.Run(ctx, assets.Script("settle-file.sh", f.ownerName(), f.path)...)
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readAll returns the content of those of the files that are there.
func readAll(ctx context.Context, r Reader, paths []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, path := range paths {
		data, err := r.ReadFile(ctx, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[path] = data
	}
	return out, nil
}

// putBack makes the files what they were.
func putBack(ctx context.Context, h Host, paths []string, before map[string][]byte) error {
	var errs []error
	for _, path := range paths {
		if data, ok := before[path]; ok {
			errs = append(errs, writeFile(ctx, h, file{path: path, data: data, mode: 0o644}))
			continue
		}
		errs = append(errs, h.Run(ctx, "rm", "-f", path))
	}
	return errors.Join(errs...)
}
