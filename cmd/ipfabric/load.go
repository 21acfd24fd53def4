package main

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/inventory"
)

// load reads the inventory and prints its warnings.
func (a *runEnv) load() (*inventory.Fabric, error) {
	fabric, warnings, err := inventory.Load(a.file)
	if err != nil {
		return nil, usage(err)
	}
	for _, w := range warnings {
		a.say.warn("%s", w)
	}
	return fabric, nil
}

// loadForHosts reads the inventory and what it names: the keys, and the
// secrets, which nothing prints from now on.
func (a *runEnv) loadForHosts() (*inventory.Fabric, error) {
	fabric, err := a.load()
	if err != nil {
		return nil, err
	}
	if err := fabric.CheckFiles(); err != nil {
		return nil, usage(err)
	}
	if err := fabric.ReadSecrets(a.env, inventory.ReadSecretFile); err != nil {
		return nil, usage(err)
	}
	a.mask.hide(fabric.BGP.Password.Reveal())
	return fabric, nil
}

// limited checks the names of --limit, and returns them without doubles.
func limited(fabric *inventory.Fabric, limit []string) ([]string, error) {
	var all, out []string
	for _, h := range fabric.Hosts() {
		all = append(all, h.Name)
	}
	for _, name := range limit {
		name = strings.TrimSpace(name)
		if slices.Contains(out, name) {
			continue
		}
		if !slices.Contains(all, name) {
			hint := "the fabric's hosts are " + strings.Join(all, ", ")
			if near := inventory.Nearest(name, all); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			return nil, usagef(hint, "--limit: the fabric has no host %q", name)
		}
		out = append(out, name)
	}
	return out, nil
}
