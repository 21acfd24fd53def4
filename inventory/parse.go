package inventory

import (
	"errors"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Load reads and checks the inventory of that path. The error is Errors.
func Load(path string) (*Fabric, []Warning, error) {
	data, err := readFile(path, maxFile)
	switch {
	case errors.Is(err, syscall.EISDIR):
		return nil, nil, Errors{{File: path, Msg: "this is a directory", Hint: "name the file in it: -f " + filepath.Join(path, "fabric.yaml")}}
	case errors.Is(err, errTooBig):
		return nil, nil, Errors{{File: path, Msg: "the file is too big for an inventory", Hint: "name an inventory with -f"}}
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, Errors{{File: path, Msg: "there is no such file", Hint: "name your inventory with -f, or begin one: ipfabric inventory example > " + path}}
	case err != nil:
		return nil, nil, Errors{{File: path, Msg: reason(err), Hint: "make it readable for you, or name another with -f"}}
	}
	return Parse(path, data)
}

// Parse checks an inventory. The file's name stands in the errors, and its
// folder is what relative paths in it are relative to. The error is Errors and
// lists all problems, not the first alone; the warnings come with and without
// an error.
func Parse(file string, data []byte) (*Fabric, []Warning, error) {
	c := newChecker(file)
	var raw rawFabric
	if root := c.readYAML(data); root != nil {
		c.decode(root, "", "key: value", &raw)
	}
	if raw.given() && !raw.bad {
		c.fabric(&raw)
	}
	if len(c.errors) > 0 {
		return nil, sorted(c.warnings), Errors(sorted(c.errors))
	}
	return c.f, sorted(c.warnings), nil
}
