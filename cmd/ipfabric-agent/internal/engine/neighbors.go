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
		const hint = "more VMs than the node is set up for? `ipfabric init` sets the limit from bgp.max_prefixes"
		if !last.IsZero() && e.Now().Sub(last) < fullFor {
			s.Problems = append(s.Problems, fmt.Sprintf("the neighbor table %s is full: it has %d entries, and %s is %d (%s)", t.Name, t.Entries, t.Sysctl, t.Limit, hint))
			continue
		}
		if t.Limit > 0 && t.Entries >= t.Limit*9/10 {
			s.Warnings = append(s.Warnings, fmt.Sprintf("the neighbor table %s is nearly full: it has %d entries, and %s is %d (%s)", t.Name, t.Entries, t.Sysctl, t.Limit, hint))
		}
	}
}
