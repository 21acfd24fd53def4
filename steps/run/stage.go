package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// stage runs one stage to its end.
func (n *run) stage(ctx context.Context, s Stage) {
	switch {
	case !s.Parallel:
		n.oneByOne(ctx, s)
	case n.DryRun:
		atOnce(s.Tasks, len(s.Tasks), func(t Task) { n.task(ctx, s, t) })
	default:
		tasks := s.Tasks
		if s.Canary {
			tasks = n.canary(ctx, s)
		}
		limit := n.Parallel
		if limit == 0 {
			limit = 10
		}
		atOnce(tasks, limit, func(t Task) { n.task(ctx, s, t) })
	}
}

// atOnce calls f for all tasks, at most limit of them at the same time.
func atOnce(tasks []Task, limit int, f func(Task)) {
	slots := make(chan struct{}, limit)
	var wg sync.WaitGroup
	for _, t := range tasks {
		slots <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			f(t)
			<-slots
		}()
	}
	wg.Wait()
}

// canary changes hosts one at a time until the first was changed without an
// error, and returns the tasks that are left. Hosts that are in sync or cannot
// be looked at are done with before, all at the same time, so that they cost
// the others no time.
func (n *run) canary(ctx context.Context, s Stage) []Task {
	var mu sync.Mutex
	looks := map[string]*look{} // of hosts that differ
	atOnce(s.Tasks, len(s.Tasks), func(t Task) {
		l := n.look(ctx, s, t)
		if l == nil {
			return
		}
		if !l.differs() {
			n.apply(ctx, s, l)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		looks[t.Node] = l
	})
	first := true
	for i, t := range s.Tasks {
		l := looks[t.Node]
		if l == nil {
			continue
		}
		before := n.changes(t.Node)
		if first {
			n.apply(ctx, s, l)
		} else {
			n.task(ctx, s, t) // the look may be minutes old
		}
		first = false
		if n.ended(t.Node) == nil && n.changes(t.Node) > before {
			var rest []Task
			for _, t := range s.Tasks[i+1:] {
				if looks[t.Node] != nil {
					rest = append(rest, t)
				}
			}
			return rest
		}
	}
	return nil
}

// oneByOne runs tasks one after the other. The first that fails keeps the rest
// from starting.
func (n *run) oneByOne(ctx context.Context, s Stage) {
	for i, t := range s.Tasks {
		n.task(ctx, s, t)
		err := n.ended(t.Node)
		if err == nil {
			continue
		}
		what := "failed"
		if errors.As(err, new(DriftError)) {
			what = "is left alone"
		}
		why := n.halted(ctx)
		if why == nil {
			why = fmt.Errorf("not begun: %s comes first and %s, and the %s are changed one at a time, so that one of them keeps its sessions", t.Node, what, s.Name)
		}
		if s.EndsRun {
			n.end(fmt.Errorf("not begun: %s comes first and %s, and no other host is upgraded after that", t.Node, what))
		}
		for _, rest := range s.Tasks[i+1:] {
			if n.ended(rest.Node) == nil {
				n.skip(s.Name, rest.Node, why)
			}
		}
		return
	}
}
