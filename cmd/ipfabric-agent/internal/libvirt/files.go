package libvirt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/inventory/vm"
)

// Where libvirt keeps the definitions of its domains, and what it notes of
// those that run.
const (
	DefinedDir = "/etc/libvirt/qemu"
	RunningDir = "/run/libvirt/qemu"
)

// Definitions are the domains that libvirt knows, running or not. A folder that
// is not there has none.
type Definitions struct {
	Dir string

	mu   sync.Mutex
	read map[string]definition // by file
}

// A definition is one file as it was when it was read.
type definition struct {
	changed time.Time
	size    int64
	vm      *vm.VM // nil: not the fabric's
}

// VMs returns the domains that have addresses of the fabric in their metadata.
// Only names, addresses and interfaces are to be relied on. What cannot be
// understood is left out: libvirt does not start it either, or the hook tells.
func (d *Definitions) VMs() []vm.VM {
	d.mu.Lock()
	defer d.mu.Unlock()
	files, err := filepath.Glob(filepath.Join(d.Dir, "*.xml"))
	if err != nil {
		return nil
	}
	read := make(map[string]definition, len(files))
	var out []vm.VM
	for _, file := range files {
		fi, err := os.Stat(file)
		if err != nil || !fi.Mode().IsRegular() {
			continue
		}
		now, known := d.read[file]
		if !known || !now.changed.Equal(fi.ModTime()) || now.size != fi.Size() {
			now = definition{changed: fi.ModTime(), size: fi.Size(), vm: defined(file)}
		}
		read[file] = now
		if now.vm != nil {
			out = append(out, *now.vm)
		}
	}
	d.read = read
	return out
}

func defined(file string) *vm.VM {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	var dom domain
	if read(f, &dom) != nil || dom.Metadata.VM == nil {
		return nil
	}
	v := &vm.VM{Name: dom.Name, Phase: vm.Off, Link: vm.Existing, Source: vm.Libvirt}
	if full, err := dom.vm(); err == nil {
		*v = *full
		v.Phase = vm.Off
		return v
	}
	// One address that is mistyped is no reason to give away the other.
	v.IPv4, _ = addr("ip", dom.Metadata.VM.IP)
	v.IPv6, _ = addr("ip6", dom.Metadata.VM.IP6)
	return v
}

// A Domain is one that runs.
type Domain struct {
	Name string
	// Runs is false while its guest is paused, such as one that is arriving.
	Runs bool
	VM   *vm.VM // what the metadata says, unchecked; nil: not the fabric's
	Err  error  // why the metadata cannot be used
}

// Running returns the domains that libvirt notes to run, and that do.
func Running(dir string) []Domain {
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil {
		return nil
	}
	var out []Domain
	for _, file := range files {
		d, ok := running(file)
		if ok {
			out = append(out, d)
		}
	}
	return out
}

func running(file string) (Domain, bool) {
	f, err := os.Open(file)
	if err != nil {
		return Domain{}, false
	}
	defer f.Close()
	var status struct {
		State  string `xml:"state,attr"`
		PID    int    `xml:"pid,attr"`
		Domain domain `xml:"domain"`
	}
	// Other files are there too, such as those of networks.
	if read(f, &status) != nil || status.Domain.Name != strings.TrimSuffix(filepath.Base(file), ".xml") {
		return Domain{}, false
	}
	// Its QEMU may be another user's: any answer but that there is no such process
	// will do.
	if status.PID <= 1 || errors.Is(unix.Kill(status.PID, 0), unix.ESRCH) {
		return Domain{}, false
	}
	d := Domain{Name: status.Domain.Name, Runs: status.State == "running"}
	d.VM, d.Err = status.Domain.vm()
	return d, true
}
