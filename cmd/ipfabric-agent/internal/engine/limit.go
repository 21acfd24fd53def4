package engine

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory/vm"
)

// A route reflector closes a node's sessions when the node announces more
// prefixes of a family than max_prefixes of the inventory allows: all VMs of the
// node are unreachable then, for minutes. So a VM too many is refused, and one
// that is there all the same is not announced.

// families are those that are counted, each with a limit of its own.
var families = []struct {
	name string
	is   func(netip.Addr) bool
}{{"IPv4", netip.Addr.Is4}, {"IPv6", netip.Addr.Is6}}

// takesRoom says whether FRR announces a VM's address once the VM is announced. One
// that arrives counts already. One outside the pools is filtered.
func (e *Engine) takesRoom(v *vm.VM, is func(netip.Addr) bool) bool {
	return v.Phase != vm.Withdrawn && slices.ContainsFunc(v.Addrs(), func(a netip.Addr) bool { return is(a) && e.pooled(a) })
}

// roomFor refuses a VM that is one too many of a family. One that is counted
// already may be changed. The caller holds work.
func (e *Engine) roomFor(v *vm.VM) error {
	limit := e.Config.MaxPrefixes
	if limit == 0 {
		return nil
	}
	have, is := e.Store.Get(v.Name)
	for _, f := range families {
		if !e.takesRoom(v, f.is) || is && e.takesRoom(&have, f.is) {
			continue
		}
		if n := e.announcedOf(f.is); n >= limit {
			return vm.Errorf(vm.TooMany, "VM %s: this node has %d VMs with an %s address, and the route reflectors accept no more from one node", v.Name, n, f.name).
				WithHint("take another node; or write a larger number for max_prefixes below bgp: in the inventory (it is %d), and run ipfabric init", limit)
		}
	}
	return nil
}

// announcedOf counts the VMs of a family, and addresses of VMs whose file cannot
// be used, which stay announced.
func (e *Engine) announcedOf(is func(netip.Addr) bool) int {
	n := 0
	e.Store.Each(func(v *vm.VM) {
		if e.takesRoom(v, is) {
			n++
		}
	})
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.held {
		for _, a := range h.addrs {
			if is(a) && e.pooled(a) {
				n++
			}
		}
	}
	return n
}

// tooMany are the VMs that are not announced because others fill the limit, with
// why. Those that are announced stay so, then the first by name are. routed says
// which have a route in the kernel.
func (e *Engine) tooMany(routed map[string]bool) map[string]string {
	out := map[string]string{}
	limit := e.Config.MaxPrefixes
	if limit == 0 {
		return out
	}
	vms := e.Store.All()
	slices.SortStableFunc(vms, func(a, b vm.VM) int {
		if routed[a.Name] != routed[b.Name] {
			if routed[a.Name] {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, f := range families {
		n := 0
		for _, v := range vms {
			if !e.takesRoom(&v, f.is) {
				continue
			}
			if n++; n > limit && !routed[v.Name] {
				out[v.Name] = fmt.Sprintf("it is VM number %d with an %s address on this node, and the route reflectors accept %d (max_prefixes below bgp: in the inventory)", n, f.name, limit)
			}
		}
	}
	return out
}

// countAll finds the VMs that are one too many. The caller holds work.
func (e *Engine) countAll() {
	e.mu.Lock()
	routed := map[string]bool{}
	for name, s := range e.states {
		routed[name] = s.Routes > 0
	}
	e.mu.Unlock()
	full := e.tooMany(routed)
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range sortedNames(full) {
		if e.full[name] == "" {
			e.Log.Error("a VM is not announced", "vm", name, "why", full[name])
		}
	}
	e.full = full
}

// statusOfLimit warns of a limit that is nearly reached.
func (e *Engine) statusOfLimit(s *vm.Status) {
	limit := e.Config.MaxPrefixes
	if limit == 0 {
		return
	}
	for _, f := range families {
		n := e.announcedOf(f.is)
		if n*10 < limit*9 {
			continue
		}
		found := vm.Finding{
			Code: vm.MaxPrefixes, Level: vm.IsWarning,
			Text: fmt.Sprintf("the node has %d VMs with an %s address, and the route reflectors accept %d from one node", n, f.name, limit),
			Hint: fmt.Sprintf("write a larger number for max_prefixes below bgp: in the inventory (it is %d), and run ipfabric init", limit),
		}
		if n > limit {
			found.Level = vm.IsProblem
		}
		addFinding(s, found)
	}
}

// addFinding puts one into a status: problems and warnings as sentences, too.
func addFinding(s *vm.Status, f vm.Finding) {
	s.Findings = append(s.Findings, f)
	switch f.Level {
	case vm.IsProblem:
		s.Problems = append(s.Problems, f.String())
	case vm.IsWarning:
		s.Warnings = append(s.Warnings, f.String())
	}
}

// sortedNames are the keys of a map.
func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
