package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
)

// syncAll brings everything into the wanted state. The caller holds work.
func (e *Engine) syncAll(ctx context.Context) error {
	begin := time.Now()
	e.readStore(ctx)
	e.lookAtDisk()
	e.lookAtNeighbors()
	if !e.looked && e.Store.Known() {
		if err := e.afterBoot(ctx); err != nil {
			e.setGlobal("kernel", fmt.Sprintf("the kernel cannot be asked: %v", err))
			return err
		}
		e.looked = true
	}
	e.countAll()
	e.Firewall.Forget()
	restored, err := e.Firewall.Restore()
	if err != nil {
		e.Log.Debug("the rules cannot be put back yet", "err", err) // Allow returns the error
	}
	r := e.everybody()
	changes, failed, err := e.pass(ctx, r, append(slices.Collect(maps.Keys(r.heldDevices)), r.devices...), true)
	changes += restored
	e.mu.Lock()
	wanted := map[string]bool{}
	for _, w := range r.wants {
		wanted[w.VM] = true
	}
	for name := range e.states {
		if !wanted[name] {
			delete(e.states, name)
		}
	}
	maps.DeleteFunc(e.owners, func(_ netip.Addr, name string) bool { return !wanted[name] })
	if len(r.found) == len(r.held) && (r.lost == "" || len(r.held) > 0) { // or the kernel could not be asked
		e.held = r.found
	}
	clear(e.former)
	e.counts.Passes++
	e.counts.Last, e.counts.Took = e.Now(), time.Since(begin)
	e.mu.Unlock()
	e.count(changes, failed, err)
	if err == nil {
		e.announcedAgain()
	}
	if changes > 0 || failed > 0 {
		e.Log.Info("looked at all VMs", "vms", len(r.wants), "changes", changes, "failed", failed, "took", time.Since(begin).Round(time.Millisecond))
	}
	return err
}

// syncSome brings some VMs into the wanted state: those that are wanted, and
// those that no longer are. The caller holds work.
func (e *Engine) syncSome(ctx context.Context, names map[string]bool) error {
	if len(e.clashes) > 0 || len(e.full) > 0 || !e.Firewall.Known() {
		// A VM that is removed may free what another one needs; and rules that
		// have to be made anew are made for all VMs.
		return e.syncAll(ctx)
	}
	r := e.only(names)
	mine, others := map[string]bool{}, map[string]bool{}
	gone := map[string]bool{}
	for name := range names {
		gone[name] = true
	}
	for _, w := range r.wants {
		mine[w.Device] = true
		delete(gone, w.VM)
	}
	devices := r.devices
	e.mu.Lock()
	for name, s := range e.states {
		if !names[name] {
			others[s.device] = true
		}
	}
	for name := range names {
		// Where it was before, if that is another interface that no VM has now.
		if old := e.states[name].device; old != "" && !mine[old] && !others[old] {
			devices = append(devices, old)
		}
	}
	for name := range gone {
		e.former[e.states[name].Index] = true
		delete(e.states, name)
	}
	e.counts.Partial++
	e.mu.Unlock()
	changes, failed, err := e.pass(ctx, r, devices, false)
	e.count(changes, failed, err)
	return err
}

// pass looks, plans and does. Filtering comes first and goes last: no VM's
// interface is up before it is known what the VM may send.
func (e *Engine) pass(ctx context.Context, r roster, devices []string, all bool) (changes, failed int, err error) {
	seen, err := e.Kernel.See(ctx, devices, all)
	if ctx.Err() != nil {
		return 0, 0, ctx.Err()
	}
	if err != nil {
		e.setGlobal("kernel", fmt.Sprintf("the kernel cannot be asked: %v", err))
		return 0, 0, err
	}
	e.setGlobal("kernel", "")
	e.recall(seen, all)
	e.leaveOut(r.wants, seen)
	r.look(seen, e.settings().Addrs())
	n, err := e.Firewall.Allow(r.allow)
	changes += n
	if err != nil {
		// Without the rules nothing more is let in, but what is there goes on.
		e.setGlobal("firewall", fmt.Sprintf("VMs cannot be kept from spoofing, so nothing is changed: %v", err))
		return changes, 0, err
	}
	keep := func(name string) bool { _, held := r.held[name]; return held || r.lost != "" }
	result := dataplane.Plan(r.wants, seen, keep)
	result.Ops = append(result.Ops, r.drainHeld(seen, e.Store.Drained())...)
	errs := map[string]error{}
	for _, op := range result.Ops {
		e.alive()
		if ctx.Err() != nil {
			return changes, len(errs), ctx.Err()
		}
		if errs[op.VM] != nil && op.VM != "" {
			continue // what comes next for this VM relies on it
		}
		e.Log.Debug("change", "vm", op.VM, "do", op.String())
		if err := e.Kernel.Do(op); err != nil {
			errs[op.VM] = errors.Join(errs[op.VM], err)
			continue
		}
		changes++
	}
	e.lookForAstray(r.wants, result, errs)
	e.remember(r.wants, result, errs)
	n, err = e.Firewall.Trim(r.allow, func(device string) bool {
		return r.heldDevices[device] || !all && !slices.Contains(devices, device)
	})
	changes += n
	if err != nil {
		e.setGlobal("firewall", fmt.Sprintf("rules of VMs that are gone cannot be removed: %v", err))
		return changes, len(errs), err
	}
	e.setGlobal("firewall", "")
	return changes, len(errs), joined(errs)
}

// joined makes one error of many.
func joined(errs map[string]error) error {
	var out error
	for _, err := range errs {
		out = errors.Join(out, err)
	}
	return out
}

// remember notes what a pass found.
func (e *Engine) remember(wants []dataplane.Want, result dataplane.Result, errs map[string]error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, w := range wants {
		s := vmState{State: result.States[w.VM], device: w.Device, problem: result.States[w.VM].Problem}
		if err := errs[w.VM]; err != nil {
			s.problem, s.failed = oneLine(err), true
		}
		if old := e.states[w.VM].problem; s.problem != old {
			if s.problem != "" {
				e.Log.Warn("a VM is not as it should be", "vm", w.VM, "problem", s.problem)
			} else {
				e.Log.Info("a VM is as it should be again", "vm", w.VM)
			}
		}
		e.states[w.VM] = s
		for _, a := range w.Guest {
			e.owners[a] = w.VM
		}
	}
	leftover := ""
	for name, err := range errs {
		if _, wanted := result.States[name]; !wanted {
			leftover = "what a VM left behind cannot be removed: " + oneLine(err)
		}
	}
	e.global["leftovers"] = leftover
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

func (e *Engine) setGlobal(what, problem string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if problem != "" && e.global[what] != problem {
		e.Log.Error("problem", "what", problem)
	}
	e.global[what] = problem
}

func (e *Engine) count(changes, failed int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts.Changes += changes
	e.counts.Errors += failed
	if err != nil {
		e.counts.Failed++
	}
}
