package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory/vm"
)

const lostWhy = "the folder of the VMs' files is missing"

// readStore reads the VMs' files. What cannot be read is no reason to withdraw
// anything: what is in memory still holds, and at the agent's start, what is in
// the kernel.
func (e *Engine) readStore(ctx context.Context) {
	err := e.Store.Reload()
	e.logFiles()
	if errors.Is(err, store.ErrMissing) && !e.Store.Known() && e.nothingOfOurs(ctx) {
		err = e.Store.Make()
	}
	switch {
	case err == nil:
		e.setGlobal("store", "")
	case errors.Is(err, store.ErrMissing):
		e.setGlobal("store", fmt.Sprintf("%v: all VMs stay as they are; put it back, or to remove all VMs, make an empty one: install -d -m 750 %s",
			err, e.Store.Folder()))
	default:
		e.setGlobal("store", fmt.Sprintf("the VM files cannot be read: %v", err))
	}
}

// logFiles logs once of each VM's file that it has more than this agent
// understands. The caller holds work.
func (e *Engine) logFiles() {
	logged := map[string]string{}
	for _, f := range e.Store.Unknown() {
		text := notUnderstood(f)
		if e.logged[f.VM.Name] != text {
			e.Log.Warn(text)
		}
		logged[f.VM.Name] = text
	}
	e.logged = logged
}

// nothingOfOurs says whether the kernel has nothing that an agent has made, as
// after a boot: then there are no VMs to lose.
func (e *Engine) nothingOfOurs(ctx context.Context) bool {
	seen, err := e.Kernel.See(ctx, nil, true)
	if err != nil || len(seen.Routes) > 0 {
		return false
	}
	for _, l := range seen.Links {
		if name, _ := dataplane.Marked(l.Alias); name != "" {
			return false
		}
	}
	return true
}

// holdLost holds all VMs of which the kernel has something, if it is not known
// which VMs there are.
func (r *roster) holdLost(seen dataplane.Seen) {
	if r.lost == "" {
		return
	}
	for _, l := range seen.Links {
		if name, _ := dataplane.Marked(l.Alias); name != "" {
			r.hold(name, r.lost)
		}
	}
}

// drainHeld withdraws VMs that are held while the node is drained, and announces
// again those that were withdrawn so once it no longer is.
func (r *roster) drainHeld(seen dataplane.Seen, drained bool) []dataplane.Op {
	var ops []dataplane.Op
	served := map[netip.Addr]bool{}
	for _, w := range r.wants {
		for _, a := range w.Guest {
			served[a] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.found)) {
		h := r.found[name]
		if h.Index == 0 {
			continue
		}
		op := dataplane.Op{VM: name, Device: h.device, Index: h.Index}
		routed := map[netip.Addr]bool{}
		for _, route := range seen.Routes {
			if route.Link != h.Index || !route.Prefix.IsSingleIP() {
				continue
			}
			routed[route.Prefix.Addr()] = true
			if drained && slices.Contains(r.withheld[name], route.Prefix.Addr()) {
				op.Verb, op.Prefix, op.Metric = dataplane.DelRoute, route.Prefix, route.Metric
				ops = append(ops, op)
				h.Routes--
			}
		}
		for _, a := range r.withheld[name] {
			if !drained && !routed[a] && !served[a] {
				op.Verb, op.Prefix, op.Metric = dataplane.AddRoute, netip.PrefixFrom(a, a.BitLen()), dataplane.MetricLive
				ops = append(ops, op)
				h.Routes++
			}
		}
		r.found[name] = h
	}
	return ops
}

// withhold notes the addresses of all held VMs before a drain takes their routes
// away. The caller holds work.
func (e *Engine) withhold() error {
	e.mu.Lock()
	addrs := e.Store.Withheld()
	if addrs == nil {
		addrs = map[string][]netip.Addr{}
	}
	for name, h := range e.held {
		if len(h.addrs) > 0 {
			addrs[name] = h.addrs
		}
	}
	e.mu.Unlock()
	return e.Store.Withhold(addrs)
}

// announcedAgain forgets what a drain has noted, once it is over and all is back.
func (e *Engine) announcedAgain() {
	if e.Store.Drained() || len(e.Store.Withheld()) == 0 {
		return
	}
	if err := e.Store.Withhold(nil); err != nil {
		e.Log.Warn("the addresses that a drain has noted cannot be forgotten", "err", err)
	}
}

// routedTo says which held VM other than the named one an address is routed to.
func (e *Engine) routedTo(a netip.Addr, not string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, h := range e.held {
		if name != not && slices.Contains(h.addrs, a) {
			return name
		}
	}
	return ""
}

// keepsAddrs refuses to add a VM again with other addresses than those that are
// still routed to it: these would be withdrawn without anyone noticing.
func (e *Engine) keepsAddrs(v *vm.VM) error {
	if _, bad := e.Store.Bad()[v.Name]; !bad {
		return nil
	}
	e.mu.Lock()
	addrs := e.held[v.Name].addrs
	e.mu.Unlock()
	var has []string
	lost := false
	for _, a := range addrs {
		has = append(has, a.String())
		lost = lost || !slices.Contains(v.Addrs(), a)
	}
	if !lost {
		return nil
	}
	return vm.Errorf(vm.Conflict, "VM %s is on this node already, with %s, though its file cannot be used", v.Name, strings.Join(has, " and ")).
		WithHint("add it with the addresses it has, or remove it first: ipfabric-agent vm remove %s", v.Name)
}

// recall marks in seen which links the agent has made. The mark that a link had
// when it was first seen counts, even if its alias was changed since.
func (e *Engine) recall(seen dataplane.Seen, all bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	there := map[int]bool{}
	for _, l := range seen.Links {
		there[l.Index] = true
		name, made := dataplane.Marked(l.Alias)
		if _, known := e.made[l.Index]; !known && name != "" {
			e.made[l.Index] = made
		}
		l.Made = e.made[l.Index]
	}
	if all {
		maps.DeleteFunc(e.made, func(index int, _ bool) bool { return !there[index] })
	}
}

// lookForAstray finds VMs whose packets go elsewhere although their routes are
// there, because another program's routes are preferred.
func (e *Engine) lookForAstray(wants []dataplane.Want, result dataplane.Result, errs map[string]error) {
	for _, w := range wants {
		s := result.States[w.VM]
		if s.Problem != "" || s.Index == 0 || errs[w.VM] != nil {
			continue
		}
		for _, r := range w.Routes {
			if s.Problem = e.Kernel.Astray(r.Prefix.Addr(), s.Index); s.Problem != "" {
				result.States[w.VM] = s
				break
			}
		}
	}
}
