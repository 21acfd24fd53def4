package engine

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/inventory/vm"
)

// After a boot, what the disk says of a VM may be old: it may run on another node
// by now, as after a power cut during a move, or after a repair that took days.
// Its routes here would draw away the traffic of the guest there. So a VM that
// has no guest here is not announced before it is known that no other node
// announces it. A guest that is attached is announced at once.

const (
	// learnTime is how long a session is up until all routes that it brings are in
	// the kernel: some seconds with 10,000 VMs.
	learnTime = 10 * time.Second
	// learnLimit is how long one session that is up is enough while others are not:
	// each reflector has all routes, as far as its own sessions are up.
	learnLimit = time.Minute
)

// A doubt is about a VM without a guest that this node had before it was booted.
type doubt struct {
	why       string
	elsewhere bool // another node announces it
}

// afterBoot finds the VMs that are in doubt, before the first pass. A VM that has
// a route in the kernel is none: then only the agent was restarted. On a drained
// node no VM has one, and the agent's mark on the interface says the same. A VM
// that was arriving when the node stopped waits for its guest again. The caller
// holds work.
func (e *Engine) afterBoot(ctx context.Context) error {
	vms := e.Store.All()
	settings := e.settings()
	var devices []string
	for _, v := range vms {
		devices = append(devices, v.Device())
	}
	seen, err := e.Kernel.See(ctx, devices, true)
	if err != nil {
		return err
	}
	routed := map[netip.Addr]bool{}
	for _, r := range seen.Routes {
		routed[r.Prefix.Addr()] = true
	}
	marked := map[string]*dataplane.Link{}
	for _, l := range seen.Links {
		if name, _ := dataplane.Marked(l.Alias); name != "" {
			marked[name] = l
		}
	}
	for _, v := range vms {
		link := marked[v.Name]
		if link == nil {
			link = seen.Links[v.Device()]
		}
		attached := link != nil && link.Carrier
		known := false
		for _, a := range v.Addrs() {
			known = known || routed[a]
		}
		e.hadRoutes(v.Name, known)
		if !v.Announced() || attached || known || settings.Drained && marked[v.Name] != nil {
			continue
		}
		if v.Phase == vm.Migrating {
			e.Log.Info("the node stopped while this VM arrived: it is announced when its guest sends something", "vm", v.Name)
			v.Phase, v.Settle = vm.Waiting, time.Time{}
			if err := e.Store.Change(v); err != nil {
				e.Log.Error("that a VM waits for its guest is not stored", "vm", v.Name, "err", err)
			}
			continue
		}
		e.mu.Lock()
		e.doubts[v.Name] = doubt{why: "the node was booted, no guest is attached, and it is not known yet whether another node announces it"}
		e.mu.Unlock()
	}
	return nil
}

// hadRoutes notes that a VM's routes are in the kernel, for tooMany.
func (e *Engine) hadRoutes(name string, had bool) {
	if !had {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states[name] = vmState{State: dataplane.State{Routes: 1}}
}

// leaveOut takes their routes from what is wanted of VMs that are not to be
// announced. A guest that is attached ends a doubt. The caller holds work.
func (e *Engine) leaveOut(wants []dataplane.Want, seen dataplane.Seen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range wants {
		w := &wants[i]
		if link := seen.Links[w.Device]; link != nil && link.Carrier {
			delete(e.doubts, w.VM)
		}
		_, doubted := e.doubts[w.VM]
		if doubted || e.full[w.VM] != "" {
			w.Routes = nil
		}
	}
}

// certain ends a doubt by a decision of the operator. The caller holds work.
func (e *Engine) certain(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.doubts, name)
}

// unannounced says why a VM that its phase announces is not, "" if it is.
func (e *Engine) unannounced(v *vm.VM) string {
	if !v.Announced() {
		return ""
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if d, is := e.doubts[v.Name]; is {
		return d.why
	}
	return e.full[v.Name]
}

// resolve ends the doubts about VMs that no other node announces. It returns
// their names.
func (e *Engine) resolve(ctx context.Context) map[string]bool {
	e.mu.Lock()
	n := len(e.doubts)
	e.mu.Unlock()
	if n == 0 {
		return nil
	}
	sessions, err := e.Sessions(ctx)
	e.work.Lock()
	defer e.work.Unlock()
	out := map[string]bool{}
	for _, v := range e.Store.All() {
		e.mu.Lock()
		d, doubted := e.doubts[v.Name]
		e.mu.Unlock()
		if !doubted {
			continue
		}
		next := e.doubtOf(v, sessions, err)
		e.mu.Lock()
		if next == nil {
			delete(e.doubts, v.Name)
			out[v.Name] = true
		} else {
			e.doubts[v.Name] = *next
		}
		e.mu.Unlock()
		switch {
		case next == nil:
			e.Log.Info("no other node announces the VM", "vm", v.Name)
		case next.why != d.why:
			e.Log.Warn("a VM is not announced", "vm", v.Name, "why", next.why)
		}
	}
	return out
}

// doubtOf says what speaks against announcing a VM, nil if nothing does. Without
// a session there is none that the VM could be announced to: it has time.
func (e *Engine) doubtOf(v vm.VM, sessions []vm.Session, err error) *doubt {
	for _, a := range v.Addrs() {
		if via := e.Kernel.Elsewhere(a); via != "" {
			return &doubt{elsewhere: true,
				why: fmt.Sprintf("another node announces %s (by way of %s), and no guest is attached here", a, via)}
		}
	}
	const still = "no guest is attached since the node was booted, and whether another node announces it is not known: "
	if err != nil {
		return &doubt{why: still + err.Error()}
	}
	for _, a := range v.Addrs() {
		family := "ipv4-unicast"
		if a.Is6() {
			family = "ipv6-unicast"
		}
		all, any := true, false
		for _, s := range sessions {
			if s.Family != family {
				continue
			}
			up := time.Duration(s.UptimeSec) * time.Second
			all = all && s.Established && up >= learnTime
			any = any || s.Established && up >= learnLimit
		}
		if !any && (!all || len(sessions) == 0) {
			return &doubt{why: still + "FRR's " + family + " sessions are not up for long enough"}
		}
	}
	return nil
}

// statusOfUnannounced reports VMs that are not announced although their phase
// says so. One that waits for a moment after a boot is a note.
func (e *Engine) statusOfUnannounced(s *vm.Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, name := range sortedNames(e.doubts) {
		d := e.doubts[name]
		f := vm.Finding{Code: vm.Waits, Level: vm.IsNote, VMs: []string{name}, Text: fmt.Sprintf("VM %s is not announced: %s", name, d.why)}
		if d.elsewhere {
			f.Code, f.Level = vm.AnnouncedElsewhere, vm.IsWarning
			f.Hint = "if it runs there now, remove it here: ipfabric vm list shows on which nodes it is; a guest that starts here is announced at once"
		}
		addFinding(s, f)
	}
	for _, name := range sortedNames(e.full) {
		addFinding(s, vm.Finding{
			Code: vm.MaxPrefixes, Level: vm.IsProblem, VMs: []string{name}, Text: fmt.Sprintf("VM %s is not announced: %s", name, e.full[name]),
			Hint: "remove or move VMs of this node; or write a larger max_prefixes and run ipfabric init",
		})
	}
}
