package verify

import (
	"context"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// examineSessions judges the sessions, and looks again at those on which an end does not accept all
// that the other sends: the two ends were asked at different moments, and a route may have been on
// its way.
func examineSessions(ctx context.Context, f *inventory.Fabric, connect connector, sights []*sight, pause time.Duration) []Session {
	byName := sightsByName(sights)
	out := []Session{}
	unclear := map[int]expected{} // by the place in out
	ends := map[string]*sight{}   // of these
	for _, e := range expectedSessions(f) {
		j := judge{f: f, expected: e, near: byName[e.rr.Name], far: byName[e.peer.Name]}
		if !j.near.asked && !j.far.asked { // neither end is known
			continue
		}
		if j.refuses(j.sides()) {
			unclear[len(out)] = e
			ends[e.rr.Name], ends[e.peer.Name] = j.near, j.far
		}
		out = append(out, j.session())
	}
	if len(unclear) > 0 && step.Pause(ctx, pause) == nil {
		ends = askAgain(ctx, connect, ends)
	}
	for i, e := range unclear {
		out[i] = judge{f: f, expected: e, near: ends[e.rr.Name], far: ends[e.peer.Name]}.session()
	}
	return append(out, unexpectedSessions(f, sights)...)
}

// askAgain asks hosts for their sessions anew. A host that gives no answer now is left as it was seen.
func askAgain(parent context.Context, connect connector, hosts map[string]*sight) map[string]*sight {
	ctx, cancel := context.WithTimeout(parent, vms.Timeout)
	defer cancel()
	out := map[string]*sight{}
	var wg sync.WaitGroup
	for name, s := range hosts {
		fresh := *s
		out[name] = &fresh
		wg.Add(1)
		go func() {
			defer wg.Done()
			h, err := connect(ctx, name)
			if err != nil {
				return
			}
			// The answers that are shared are the old ones.
			if peers, err := fresh.askPeers(ctx, run.Unshared(h)); err == nil && peers != nil {
				fresh.peers = peers
			}
		}()
	}
	wg.Wait()
	return out
}
