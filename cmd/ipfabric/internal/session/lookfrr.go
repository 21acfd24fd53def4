package session

import (
	"context"
	"sync"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
)

// answering names the hosts that could be looked at, at least in part.
func answering(o *ui.Outlook) []string {
	var out []string
	for _, h := range o.Hosts {
		if !isConnectError(h.Result.Err) {
			out = append(out, h.Host)
		}
	}
	return out
}

// frrVersions asks hosts for their FRR's versions. Hosts that give no answer
// are left out.
func (s *Session) frrVersions(ctx context.Context, hosts []string) map[string]frr.Versions {
	var mu sync.Mutex
	out := map[string]frr.Versions{}
	var wg sync.WaitGroup
	for _, name := range hosts {
		h, ok := s.fabric.Host(name)
		if !ok || h.Role == inventory.RoleCoreGateway {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			host, err := s.connect(ctx, name)
			if err != nil {
				return
			}
			cache := run.CacheOf(host)
			cache.Look(func() {
				v, err := frr.AskVersions(ctx, cache, h.Host)
				if err != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				out[name] = v
			})
		}()
	}
	wg.Wait()
	return out
}
