package session

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

// Load reads the inventory and prints its warnings.
func (a *Env) Load() (*inventory.Fabric, error) {
	fabric, warnings, err := inventory.Load(a.File)
	if err != nil {
		return nil, ui.Usage(err)
	}
	for _, w := range warnings {
		a.Say.Warn("%s", w)
	}
	return fabric, nil
}

// loadForHosts reads the inventory and what it names: the keys, and the
// secrets, which nothing prints from now on.
func (a *Env) loadForHosts() (*inventory.Fabric, error) {
	fabric, err := a.Load()
	if err != nil {
		return nil, err
	}
	if err := fabric.CheckFiles(); err != nil {
		return nil, ui.Usage(err)
	}
	if err := fabric.ReadSecrets(a.LookupEnv, inventory.ReadSecretFile); err != nil {
		return nil, ui.Usage(err)
	}
	a.Mask.Hide(fabric.BGP.Password.Reveal())
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
			return nil, ui.Usagef(hint, "--limit: the fabric has no host %q", name)
		}
		out = append(out, name)
	}
	return out, nil
}
