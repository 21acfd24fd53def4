package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric-agent/internal/frr"
	"ipfabric/inventory/vm"
)

// Status says how the node is.
func (e *Engine) Status(ctx context.Context) vm.Status {
	s := vm.Status{
		Build:     e.Build,
		Binary:    e.Binary(),
		Config:    e.Loaded,
		Started:   e.started,
		UptimeSec: int64(e.Now().Sub(e.started).Seconds()),
		Drained:   e.Store.Drained(),
		Problems:  []string{},
		Warnings:  []string{},
		Findings:  []vm.Finding{},
	}
	e.statusOfVMs(&s)
	e.statusOfNeighbors(&s)
	e.statusOfPasses(&s)
	e.statusOfSystem(&s)
	e.statusOfObstacles(ctx, &s)
	e.statusOfLimit(&s)
	e.statusOfUnannounced(&s)
	s.FRR = e.statusOfFRR(ctx, &s)
	drops, err := e.Firewall.Drops()
	if err != nil {
		s.Problems = append(s.Problems, fmt.Sprintf("the counters of dropped packets cannot be read: %v", err))
	}
	s.Dropped = vm.Dropped{Reasons: drops.Reasons, VMs: e.droppedByVM(drops.Devices)}
	if s.Drained {
		s.Warnings = append(s.Warnings, "the node is drained: none of its VMs is announced until ipfabric-agent undrain")
	}
	s.Healthy = len(s.Problems) == 0
	return s
}

func (e *Engine) statusOfVMs(s *vm.Status) {
	bad := e.Store.Bad()
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		s.Problems = append(s.Problems, fmt.Sprintf("VM %s: %s", name, heldBack(bad[name])))
	}
	e.statusOfFiles(s, bad)
	s.VMs.Off = len(e.offVMs())
	var before taken
	for _, v := range e.Store.All() {
		s.VMs.Wanted++
		if why := before.conflict(&v); why != nil {
			s.Problems = append(s.Problems, fmt.Sprintf("VM %s: %s", v.Name, heldBack(why.Error())))
			continue
		}
		before.add(v)
		d := e.describe(v, nil)
		if d.Present {
			s.VMs.Present++
		}
		if d.Announced {
			s.VMs.Announced++
		}
		if v.Phase == vm.Waiting {
			s.VMs.Waiting++
		}
		s.Routes += d.Routes
		if d.Problem != "" {
			s.Problems = append(s.Problems, fmt.Sprintf("VM %s: %s", v.Name, d.Problem))
		}
		for _, a := range v.Addrs() {
			if !e.pooled(a) {
				s.Warnings = append(s.Warnings, fmt.Sprintf("VM %s: %s is in none of the fabric's pools: FRR does not announce it", v.Name, a))
			}
		}
	}
}

// statusOfFiles reports VM files with more than this agent understands: a newer
// agent has written them, or somebody misspelt a key. A file that cannot be used
// at all is reported elsewhere.
func (e *Engine) statusOfFiles(s *vm.Status, bad map[string]string) {
	for _, f := range e.Store.Unknown() {
		if _, is := bad[f.VM.Name]; is {
			continue
		}
		if f.Newer() {
			s.Problems = append(s.Problems, notUnderstood(f))
			continue
		}
		s.Warnings = append(s.Warnings, notUnderstood(f))
	}
}

// notUnderstood says what of a VM's file this agent does not understand.
func notUnderstood(f vm.File) string {
	keys := strings.Join(f.UnknownKeys(), ", ")
	if !f.Newer() {
		return fmt.Sprintf("VM %s: its file has keys that this agent does not know and ignores: %s", f.VM.Name, keys)
	}
	text := fmt.Sprintf("VM %s: its file was written by a newer agent, and this one understands it only in part", f.VM.Name)
	if keys != "" {
		text += ": it ignores " + keys
	}
	return text + " (`ipfabric init` with the newer ipfabric updates the agent)"
}

func (e *Engine) statusOfPasses(s *vm.Status) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s.StateWritable = e.global["disk"] == ""
	for _, what := range slices.Sorted(maps.Keys(e.global)) {
		if p := e.global[what]; p != "" {
			s.Problems = append(s.Problems, p)
		}
	}
	for _, what := range slices.Sorted(maps.Keys(e.notes)) {
		if w := e.notes[what]; w != "" {
			s.Warnings = append(s.Warnings, w)
		}
	}
	s.Reconcile = vm.Reconcile{
		Full:    e.counts.Passes,
		Partial: e.counts.Partial,
		Failed:  e.counts.Failed,
		Changes: e.counts.Changes,
		Errors:  e.counts.Errors,
		Last:    e.counts.Last,
		TookMS:  float64(e.counts.Took.Microseconds()) / 1000,
	}
}

// statusOfSystem looks at what the agent relies on but ipfabric init sets.
func (e *Engine) statusOfSystem(s *vm.Status) {
	for _, x := range []struct {
		needed bool
		key    string
	}{
		{e.Config.Gateway.IPv4.IsValid(), "ipv4/ip_forward"},
		{e.Config.Gateway.IPv6.IsValid(), "ipv6/conf/all/forwarding"},
	} {
		if x.needed && e.Kernel.Sysctl(x.key) != "1" {
			name := "net." + strings.ReplaceAll(x.key, "/", ".")
			s.Problems = append(s.Problems, fmt.Sprintf("the node does not route: %s is not 1 (ipfabric init sets it)", name))
		}
	}
}

func (e *Engine) statusOfFRR(ctx context.Context, s *vm.Status) vm.FRR {
	sessions, err := e.Sessions(ctx)
	out := vm.FRR{Up: err == nil, Sessions: sessions}
	if out.Sessions == nil {
		out.Sessions = []vm.Session{}
	}
	if err != nil {
		out.Error = err.Error()
		hint := "systemctl status frr"
		if !errors.Is(err, frr.ErrNotRunning) {
			hint = "journalctl -u frr"
		}
		s.Warnings = append(s.Warnings, fmt.Sprintf("FRR announces nothing: %v (%s)", err, hint))
		return out
	}
	return out // how the sessions are stands with each
}

func (e *Engine) droppedByVM(devices map[string]uint64) map[string]uint64 {
	out := map[string]uint64{}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name, s := range e.states {
		if n := devices[s.device]; n > 0 {
			out[name] = n
		}
	}
	return out
}
