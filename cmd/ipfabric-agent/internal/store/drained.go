package store

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
)

const (
	drainedFile  = "drained"
	withheldFile = "withheld.json"
)

// Drained says whether the node's VMs are to be withdrawn, all of them.
func (s *Store) Drained() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drained
}

// SetDrained notes whether the node is drained, so that it still is after a
// reboot.
func (s *Store) SetDrained(drained bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.dir, drainedFile)
	if drained {
		if err := writeFile(path, []byte("ipfabric-agent undrain\n")); err != nil {
			return err
		}
		s.drained = true
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.drained = false
	return syncDir(s.dir)
}

// Withheld returns what Withhold has noted.
func (s *Store) Withheld() map[string][]netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.withheld)
}

// Withhold notes the addresses of VMs whose file cannot be used, by name, before
// their routes are taken away: once those are gone, nothing else knows them. It
// is kept until the VM is added or removed, or until the next call.
func (s *Store) Withhold(addrs map[string][]netip.Addr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.withhold(addrs)
}

// withhold does it. The caller holds mu.
func (s *Store) withhold(addrs map[string][]netip.Addr) error {
	path := filepath.Join(s.dir, withheldFile)
	if len(addrs) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.withheld = nil
		return nil
	}
	data, err := json.MarshalIndent(addrs, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(path, append(data, '\n')); err != nil {
		return err
	}
	s.withheld = addrs
	return nil
}

// forget drops what is withheld of one VM. If that cannot be written, it does no
// harm: it is not used while the VM's file can be used. The caller holds mu.
func (s *Store) forget(name string) {
	if _, ok := s.withheld[name]; !ok {
		return
	}
	rest := maps.Clone(s.withheld)
	delete(rest, name)
	_ = s.withhold(rest)
}

// readDrained reads both files. The caller holds mu.
func (s *Store) readDrained() error {
	_, err := os.Stat(filepath.Join(s.dir, drainedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.drained = err == nil
	path := filepath.Join(s.dir, withheldFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.withheld = nil
		return nil
	}
	if err != nil {
		return err
	}
	s.withheld = nil
	var withheld map[string][]netip.Addr
	if json.Unmarshal(data, &withheld) == nil { // or it is of no use to anybody
		s.withheld = withheld
	}
	return nil
}
