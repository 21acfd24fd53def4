package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"ipfabric/inventory/vm"
)

const (
	vmsDir      = "vms.d"
	vmSuffix    = ".json"
	asideSuffix = ".json.corrupt"
	tempPrefix  = ".tmp-" // no VM's name begins with a dot
)

// ErrMissing is a folder of VMs that is not there. Then it is not known
// which VMs are wanted, which is not the same as none.
var ErrMissing = errors.New("the folder of the VMs is missing")

// A Store holds the VMs in memory and on disk. All methods can be called at
// the same time.
type Store struct {
	dir string

	mu      sync.Mutex
	vms     map[string]vm.VM
	bad     map[string]string // VM name → what is wrong with its file
	unsaved map[string]vm.VM  // changes that the disk has not taken yet
	drained bool
	known   bool // the folder has been read
	// withheld are the addresses of VMs whose file cannot be used, and whose
	// routes were taken away by a drain: only this knows them.
	withheld map[string][]netip.Addr
	// files are those that have more than this agent understands, by VM name.
	files map[string]vm.File
}

// Open reads the store below dir. Files that cannot be used are not an error: Bad
// lists them. Nor is it an error if there is no folder of VMs: see Known.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, vms: map[string]vm.VM{}, unsaved: map[string]vm.VM{}}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	if err := s.Reload(); err != nil && !errors.Is(err, ErrMissing) {
		return nil, err
	}
	return s, nil
}

// Known says whether the folder of VMs has been read since Open.
func (s *Store) Known() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known
}

// Make makes the folder of VMs, and reads it.
func (s *Store) Make() error {
	if err := os.MkdirAll(s.Folder(), 0o750); err != nil {
		return err
	}
	return s.Reload()
}

// Folder is where the VMs' files are.
func (s *Store) Folder() string { return filepath.Join(s.dir, vmsDir) }

// Reload reads everything from disk again.
func (s *Store) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.readDrained(); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.Folder())
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrMissing, s.Folder())
	}
	if err != nil {
		return err
	}
	vms, bad, files := map[string]vm.VM{}, map[string]string{}, map[string]vm.File{}
	for _, e := range entries {
		file := e.Name()
		switch {
		case strings.HasPrefix(file, tempPrefix):
			os.Remove(s.path(file)) // left by an agent that was killed while it wrote
		case strings.HasSuffix(file, asideSuffix):
			name := strings.TrimSuffix(file, asideSuffix)
			if _, known := bad[name]; !known {
				bad[name] = "its file cannot be used: " + s.path(file)
			}
		case strings.HasSuffix(file, vmSuffix):
			s.load(file, vms, bad, files)
		}
	}
	for name := range vms {
		delete(bad, name) // it was added again since
	}
	for name, v := range s.unsaved {
		_, there := vms[name]
		if there {
			vms[name] = v
		}
		if !there || s.write(v, files[name]) == nil {
			delete(s.unsaved, name)
		}
	}
	s.vms, s.bad, s.files, s.known = vms, bad, files, true
	return nil
}

// load reads one file into vms or bad, and into files if it has more than this
// agent understands.
func (s *Store) load(file string, vms map[string]vm.VM, bad map[string]string, files map[string]vm.File) {
	name := strings.TrimSuffix(file, vmSuffix)
	data, err := os.ReadFile(s.path(file))
	if err != nil {
		bad[name] = fmt.Sprintf("its file cannot be read: %v", err)
		return
	}
	f, err := vm.ParseFile(data)
	if err == nil && f.VM.Name != name {
		err = fmt.Errorf("it is about a VM named %s", f.VM.Name)
	}
	if f.Newer() || len(f.Unknown) > 0 {
		f.VM.Name = name
		files[name] = f
	}
	if err == nil {
		vms[name] = f.VM
		return
	}
	aside := s.path(name + asideSuffix)
	if f.Newer() {
		aside = s.path(file) // a newer agent understands it
	} else if moved := os.Rename(s.path(file), aside); moved != nil {
		aside = s.path(file)
	}
	bad[name] = fmt.Sprintf("its file cannot be used: %s: %v", aside, err)
}

// Unknown returns the files that have more than this agent understands, sorted
// by the VM's name.
func (s *Store) Unknown() []vm.File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.files), func(a, b vm.File) int { return strings.Compare(a.VM.Name, b.VM.Name) })
}

// All returns the VMs, sorted by name.
func (s *Store) All() []vm.VM {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.vms), func(a, b vm.VM) int { return strings.Compare(a.Name, b.Name) })
}

// Each calls f with every VM, in no order. f must not use the store.
func (s *Store) Each(f func(*vm.VM)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.vms {
		f(&v)
	}
}

// Get returns the VM of that name.
func (s *Store) Get(name string) (vm.VM, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.vms[name]
	return v, ok
}

// Bad returns the names of VMs whose file cannot be used, and why.
func (s *Store) Bad() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.bad)
}

// Put adds a VM or replaces the one of the same name. After an error nothing
// has changed.
func (s *Store) Put(v vm.VM) error {
	if err := v.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(v)
}

// Change replaces a VM that is there, whatever the disk says. A change that it
// does not take, which is the error, holds until the agent ends, and is written
// as soon as there is room.
func (s *Store) Change(v vm.VM) error {
	if err := v.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.put(v)
	if err != nil {
		s.vms[v.Name], s.unsaved[v.Name] = v, v
	}
	return err
}

// write writes a VM's file, with the keys of the one before it that this agent
// does not know.
func (s *Store) write(v vm.VM, before vm.File) error {
	before.VM = v
	data, err := before.Marshal()
	if err != nil {
		return err
	}
	return writeFile(s.path(v.Name+vmSuffix), data)
}

// put writes a VM. The caller holds mu.
func (s *Store) put(v vm.VM) error {
	if !s.known {
		return ErrMissing
	}
	if err := s.write(v, s.files[v.Name]); err != nil {
		return err
	}
	s.vms[v.Name] = v
	delete(s.unsaved, v.Name)
	if _, held := s.bad[v.Name]; held {
		os.Remove(s.path(v.Name + asideSuffix))
		delete(s.bad, v.Name)
	}
	s.forget(v.Name)
	return nil
}

// Delete forgets a VM, also one whose file cannot be used. A VM that is not
// there is none of its concern.
func (s *Store) Delete(name string) error {
	if err := vm.CheckName(name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, suffix := range []string{vmSuffix, asideSuffix} {
		if err := os.Remove(s.path(name + suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	delete(s.vms, name)
	delete(s.bad, name)
	delete(s.unsaved, name)
	delete(s.files, name)
	s.forget(name)
	return syncDir(s.Folder())
}

// Probe says why a VM could not be stored now, by writing as much as one needs.
func (s *Store) Probe() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.Folder()
	f, err := os.CreateTemp(dir, tempPrefix)
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		f.Close()
		os.Remove(f.Name())
	}
	var path *fs.PathError
	if errors.As(err, &path) { // the file's name is another one each time
		return fmt.Errorf("%s: %w", dir, path.Err)
	}
	return err
}

func (s *Store) path(file string) string { return filepath.Join(s.dir, vmsDir, file) }
