package engine

import (
	"fmt"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

// fullFor is how long a neighbor table that was full is a problem after that.
const fullFor = 5 * time.Minute

// A refusal is what is known of the times that the kernel had no room for a
// neighbor in one of its tables.
type refusal struct {
	count uint64    // since boot
	last  time.Time // when it was seen to grow; zero: never
}

// lookAtNeighbors notes whether a neighbor table was full since the last look.
func (e *Engine) lookAtNeighbors() []kernel.NeighborTable {
	if e.Neighbors == nil {
		return nil
	}
	tables, err := e.Neighbors()
	if err != nil {
		e.Note("neighbors", fmt.Sprintf("it is not known whether there is room for more neighbors: %v", err))
		return nil
	}
	e.Note("neighbors", "")
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range tables {
		before, known := e.refused[t.Name]
		now := refusal{t.Full, before.last}
		if known && t.Full > before.count {
			now.last = e.Now()
		}
		e.refused[t.Name] = now
	}
	return tables
}

// statusOfNeighbors reports neighbor tables that are or were full. The node finds
// no neighbor that is not in one: VMs do not answer, and in time BGP's peers
// neither.
func (e *Engine) statusOfNeighbors(s *vm.Status) {
	for _, t := range e.lookAtNeighbors() {
		e.mu.Lock()
		last := e.refused[t.Name].last
		e.mu.Unlock()
		f := vm.Finding{
			Code: vm.NeighborsFull, Level: vm.IsWarning,
			Text: fmt.Sprintf("the neighbor table %s is nearly full: %d of %d entries (%s)", t.Name, t.Entries, t.Limit, t.Sysctl),
			Hint: "ipfabric init sets the limit from bgp.max_prefixes; to see what fills it: ip -" + t.Family + " neigh show nud all",
		}
		if !last.IsZero() && e.Now().Sub(last) < fullFor {
			f.Level = vm.IsProblem
			f.Text = fmt.Sprintf("the neighbor table %s is full, or was in the last minutes, and new neighbors are not found: %d of %d entries (%s)", t.Name, t.Entries, t.Limit, t.Sysctl)
			addFinding(s, f)
			continue
		}
		if t.Limit > 0 && t.Entries >= t.Limit*9/10 {
			addFinding(s, f)
		}
	}
}
