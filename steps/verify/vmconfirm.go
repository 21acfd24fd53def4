package verify

import (
	"context"
	"slices"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// connector gives a host of the inventory.
type connector = func(ctx context.Context, host string) (step.Host, error)

// settleTime is what lies between two looks at the VMs. A VM that is added is on all
// reflectors in a fraction of it.
const settleTime = time.Second

// examineVMs judges the VMs. In a fabric in which VMs come and go, what the
// agents said and what the reflectors said a moment later differ without
// anything being wrong: what looks wrong is looked at again, and only what is
// wrong both times has failed.
func examineVMs(ctx context.Context, f *inventory.Fabric, connect connector, sights []*sight, pause time.Duration) []VMCheck {
	first := judgeVMs(f, sights)
	if !slices.ContainsFunc(first, func(c VMCheck) bool { return c.Status == Bad }) {
		return first
	}
	select {
	case <-ctx.Done():
		return first
	case <-time.After(pause):
	}
	again := lookAgain(ctx, f, connect, sights)
	if ctx.Err() != nil {
		return first
	}
	return confirmed(first, judgeVMs(f, again))
}

// lookAgain asks those that were reached for the VMs anew.
func lookAgain(parent context.Context, f *inventory.Fabric, connect connector, sights []*sight) []*sight {
	ctx, cancel := context.WithTimeout(parent, vms.Timeout)
	defer cancel()
	out := make([]*sight, len(sights))
	var wg sync.WaitGroup
	for i, s := range sights {
		fresh := *s
		out[i] = &fresh
		if !s.asked || s.down || s.isCore() {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			h, err := connect(ctx, s.host.Name)
			if err != nil {
				fresh.vms.err, fresh.tables.Err = err, err
				return
			}
			fresh.askVMs(ctx, f, run.NewCache(run.Unshared(h))) // the answers that are shared are the old ones
		}()
	}
	wg.Wait()
	return out
}

// askVMs asks a host for what it knows of the VMs, and for nothing else.
func (s *sight) askVMs(ctx context.Context, f *inventory.Fabric, r *run.Cache) {
	if s.host.Role == inventory.RoleRouteReflector {
		_, s.tables, _ = bgp.AskReflector(ctx, r, f, s.host.Host)
		return
	}
	var status agent.Status
	var statusErr error
	s.vms = agentVMs{}
	r.Look(
		func() { status, statusErr = agent.NewClient(r).Status(ctx) },
		func() { s.vms.vms, s.vms.err = vms.ListOn(ctx, r, s.host.Name) },
	)
	s.vms.drained, s.vms.healthy = status.Drained, statusErr == nil && status.Healthy
}

// confirmed returns the second of two looks, with what was well in the first as
// a warning at most.
func confirmed(first, second []VMCheck) []VMCheck {
	type key struct{ vm, node, v4, v6 string }
	keyOf := func(c VMCheck) key { return key{c.VM, c.Node, c.IPv4.String(), c.IPv6.String()} }
	bad := map[key]bool{}
	for _, c := range first {
		bad[keyOf(c)] = c.Status == Bad
	}
	for i := range second {
		if c := &second[i]; c.Status == Bad && !bad[keyOf(*c)] {
			c.Status, c.Hint = Warn, "this has just changed, and may be right in a moment: run verify again"
		}
	}
	return second
}
