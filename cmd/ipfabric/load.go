package main

import (
	"fmt"
	"os"
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
	if err := fabric.ReadSecrets(a.env, os.ReadFile); err != nil {
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
			if near := nearest(name, all); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			return nil, usagef(hint, "--limit: the fabric has no host %q", name)
		}
		out = append(out, name)
	}
	return out, nil
}

// nearest returns the name that was probably meant, or "".
func nearest(name string, names []string) string {
	best, bestDistance := "", len(name)/3+2
	for _, n := range slices.Sorted(slices.Values(names)) {
		if d := distance(name, n); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance is the number of letters to change, put in or leave out
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
