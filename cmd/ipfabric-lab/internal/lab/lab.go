package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"ipfabric/cmd/ipfabric-lab/internal/bridge"
	"ipfabric/cmd/ipfabric-lab/internal/flock"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// A Lab is the lab of one folder, whether or not it is up.
type Lab struct {
	Dir string // absolute
	ID  string
	Say func(format string, args ...any) // progress, one line a call
}

// Open returns the lab of a folder, which need not exist.
func Open(dir string, say func(format string, args ...any)) (*Lab, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// The same folder by another way is the same lab.
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	} else if parent, err := filepath.EvalSymlinks(filepath.Dir(abs)); err == nil {
		abs = filepath.Join(parent, filepath.Base(abs))
	}
	sum := sha256.Sum256([]byte(abs))
	return &Lab{Dir: abs, ID: hex.EncodeToString(sum[:4]), Say: say}, nil
}

func (l *Lab) path(name string) string { return filepath.Join(l.Dir, name) }

// state is lab.json: what cannot be found again otherwise. Its presence makes
// a folder a lab.
type state struct {
	Network    plan.Network `json:"network"`     // 0 until one was chosen
	Size       plan.Size    `json:"size"`        // zero until up was told
	FabricHash string       `json:"fabric_hash"` // of fabric.yaml as the lab wrote it
}

func (l *Lab) load() (state, error) {
	var s state
	data, err := os.ReadFile(l.path("lab.json"))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %v", l.path("lab.json"), err)
	}
	return s, nil
}

func (l *Lab) save(s state) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeFile(l.path("lab.json"), append(data, '\n'), 0o644)
}

// lock keeps two ipfabric-lab from changing the same lab at once.
func (l *Lab) lock(ctx context.Context) (*flock.Lock, error) {
	return flock.Take(ctx, filepath.Join(bridge.Run, l.ID+".lock"), func() {
		l.Say("another ipfabric-lab works on %s; waiting", l.Dir)
	})
}

func unlock(lock *flock.Lock) {
	lock.Remove()
	os.Remove(bridge.Run) // only if nothing is in it
}

// Machines returns the lab's machines in the order of their roles and
// numbers.
func (l *Lab) Machines() ([]*machine.Machine, error) {
	entries, err := os.ReadDir(l.path("machines"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []*machine.Machine
	for _, e := range entries {
		m, err := machine.Load(machine.Folder(l.Dir, e.Name()), l.ID)
		if errors.Is(err, fs.ErrNotExist) {
			continue // an up was killed while it made it; the next one goes on
		}
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].IPv4.Less(out[j].IPv4) })
	return out, nil
}

// Machine returns the machine of that name.
func (l *Lab) Machine(name string) (*machine.Machine, error) {
	all, err := l.Machines()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(m *machine.Machine) bool { return m.Name == name })
	if i >= 0 {
		return all[i], nil
	}
	err = fmt.Errorf("there is no machine %q in the lab %s", name, l.Dir)
	if len(all) == 0 {
		return nil, hint.Add(err, "it has no machines at all: `ipfabric-lab up` makes them; is --dir right?")
	}
	var names []string
	for _, m := range all {
		names = append(names, m.Name)
	}
	return nil, hint.Add(err, "it has %s", join(names))
}

func plans(all []*machine.Machine) []plan.Machine {
	var out []plan.Machine
	for _, m := range all {
		out = append(out, m.Machine)
	}
	return out
}
