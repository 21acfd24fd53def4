package host

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
	"ipfabric/steps/step"
)

// A File is one file as it must be.
type File struct {
	Path  string
	Data  []byte
	Mode  fs.FileMode
	Owner string // "user:group"; "" is root:root
}

func (f File) ownerName() string {
	if f.Owner == "" {
		return "root:root"
	}
	return f.Owner
}

// Files: files are there, with their content, mode and owner.
type Files struct {
	Name  string
	Files []File
	// Then is a command that runs after the files were written, where Check sees by itself
	// whether it is still needed.
	Then []string
}

func (s Files) String() string { return s.Name }

func (s Files) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	return DiffFiles(ctx, r, s.Files)
}

func (s Files) Apply(ctx context.Context, h step.Host) error {
	if err := WriteFiles(ctx, h, s.Files); err != nil {
		return err
	}
	if s.Then == nil {
		return nil
	}
	return h.Run(ctx, s.Then...)
}

// DiffFiles compares files by one question for all of them. Only those that
// differ are read.
func DiffFiles(ctx context.Context, r step.Reader, files []File) (step.Diff, error) {
	argv := assets.Script("stat-files.sh")
	for _, f := range files {
		argv = append(argv, f.Path)
	}
	out, err := r.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(files) {
		return nil, fmt.Errorf("asked for %d files, the answer has %d lines", len(files), len(lines))
	}
	var diff step.Diff
	for i, f := range files {
		sum := Hash(f.Data)
		if lines[i] == fmt.Sprintf("%o %s %s", f.Mode.Perm(), f.ownerName(), sum) {
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
func (f File) change(ctx context.Context, r step.Reader, found, sum string) (step.Change, error) {
	c := step.Change{Item: f.Path, Want: f.describe(sum)}
	if found == "absent" {
		return c, nil
	}
	access, have, _ := step.CutLast(found, " ")
	if have == sum {
		return step.Change{Item: "mode and owner of " + f.Path, Have: access, Want: fmt.Sprintf("%o %s", f.Mode.Perm(), f.ownerName())}, nil
	}
	if !utf8.Valid(f.Data) {
		c.Have = "sha256 " + have[:min(12, len(have))]
		return c, nil
	}
	data, err := r.ReadFile(ctx, f.Path)
	if err != nil {
		return step.Change{}, err
	}
	c.Have = string(data)
	return c, nil
}

func (f File) describe(sum string) string {
	if utf8.Valid(f.Data) {
		return string(f.Data)
	}
	return "sha256 " + sum[:12]
}

// WriteFiles writes files in their order, each as WriteFile does.
func WriteFiles(ctx context.Context, h step.Host, files []File) error {
	for _, f := range files {
		if err := WriteFile(ctx, h, f); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes one file with its mode, owner and label.
func WriteFile(ctx context.Context, h step.Host, f File) error {
	if err := h.WriteFile(ctx, f.Path, f.Data, f.Mode); err != nil {
		return err
	}
	return h.Run(ctx, assets.Script("settle-file.sh", f.ownerName(), f.Path)...)
}

// Hash is the SHA-256 of data, in hexadecimal digits.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// ReadAll returns the content of those of the files that are there.
func ReadAll(ctx context.Context, r step.Reader, paths []string) (map[string][]byte, error) {
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

// PutBack makes the files what they were, with the mode 0644 and root as owner;
// a file that is not in before is removed.
func PutBack(ctx context.Context, h step.Host, paths []string, before map[string][]byte) error {
	var errs []error
	for _, path := range paths {
		if data, ok := before[path]; ok {
			errs = append(errs, WriteFile(ctx, h, File{Path: path, Data: data, Mode: 0o644}))
			continue
		}
		errs = append(errs, h.Run(ctx, "rm", "-f", path))
	}
	return errors.Join(errs...)
}
