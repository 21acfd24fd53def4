package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ipfabric/inventory/vm"
)

// SetSource makes those the VMs that a source wants: new ones are added,
// changed ones replaced, and those that it no longer names, or names as off,
// removed. It goes on after an error.
func (e *Engine) SetSource(ctx context.Context, source vm.Source, vms []vm.VM, broken map[string]error) error {
	var errs []error
	named := map[string]bool{}
	var off []vm.VM
	for _, v := range vms {
		v.Source = source
		if v.Phase == vm.Off {
			off = append(off, v)
			continue
		}
		named[v.Name] = true
		if err := e.put(ctx, v); err != nil {
			errs = append(errs, err)
		}
	}
	// Before any is removed: there is no moment in which its addresses look free.
	e.mu.Lock()
	e.off[source] = off
	e.mu.Unlock()
	for _, v := range e.Store.All() {
		if v.Source != source || named[v.Name] || broken[v.Name] != nil {
			continue
		}
		if err := ignoreGone(e.Remove(ctx, v.Name)); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// offVMs returns the VMs that libvirt or LXD have but that are not wanted here
// now: they do not run. Their addresses are not given to others.
func (e *Engine) offVMs() []vm.VM {
	var all, out []vm.VM
	e.mu.Lock()
	for _, vms := range e.off {
		all = append(all, vms...)
	}
	e.mu.Unlock()
	if e.Defined != nil {
		all = append(all, e.Defined()...)
	}
	bad := e.Store.Bad()
	seen := map[string]bool{}
	for _, v := range all {
		_, stored := e.Store.Get(v.Name)
		_, held := bad[v.Name]
		if stored || held || seen[v.Name] || vm.CheckName(v.Name) != nil || len(v.Addrs()) == 0 {
			continue
		}
		seen[v.Name] = true
		out = append(out, v)
	}
	return out
}

// offVM is the one of a name.
func (e *Engine) offVM(name string) (vm.VM, bool) {
	off := e.offVMs()
	i := slices.IndexFunc(off, func(v vm.VM) bool { return v.Name == name })
	if i < 0 {
		return vm.VM{}, false
	}
	return off[i], true
}

// conflictOff says which VM that is off has an address that a new one is to have.
func (e *Engine) conflictOff(v *vm.VM) error {
	for _, o := range e.offVMs() {
		for _, a := range v.Addrs() {
			if o.Name != v.Name && (o.IPv4 == a || o.IPv6 == a) {
				return vm.Errorf(vm.Conflict, "VM %s: %s is VM %s's, which is off", v.Name, a, o.Name).
					WithHint("take another address; or take it out of what %s knows of VM %s", o.Source, o.Name)
			}
		}
	}
	return nil
}

// noteElsewhere warns of a VM that starts here while another node announces its
// address. Once this node does too, its own route hides the other's.
func (e *Engine) noteElsewhere(v vm.VM) {
	warning := ""
	for _, a := range v.Addrs() {
		if via := e.Kernel.Elsewhere(a); via != "" {
			warning = fmt.Sprintf("VM %s: when it started here, another node announced %s (by way of %s): ipfabric vm list shows whether two VMs have it", v.Name, a, via)
		}
	}
	e.Note("elsewhere "+v.Name, warning)
}

// inTime refuses to begin a change whose caller no longer waits for it: by now
// it may be wrong. A change that has begun is finished.
func inTime(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return vm.Errorf(vm.TooLate, "nothing was done: the caller stopped waiting before its turn came")
}

// Note sets or clears a warning of the status.
func (e *Engine) Note(what, warning string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if warning != "" && e.notes[what] != warning {
		e.Log.Warn(warning)
	}
	if warning == "" {
		delete(e.notes, what)
		return
	}
	e.notes[what] = warning
}
