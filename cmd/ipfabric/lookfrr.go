package main

import (
	"context"
	"strings"
	"sync"

	"ipfabric/inventory"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
)

// answering names the hosts that could be looked at, at least in part.
func (o *outlook) answering() []string {
	var out []string
	for _, h := range o.Hosts {
		if !isConnectError(h.result.Err) {
			out = append(out, h.Host)
		}
	}
	return out
}

// frrVersions asks hosts for their FRR's versions. Hosts that give no answer
// are left out.
func (s *session) frrVersions(ctx context.Context, hosts []string) map[string]frr.Versions {
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

func (o *outlook) addFRR(versions map[string]frr.Versions) {
	for i, h := range o.Hosts {
		if v, ok := versions[h.Host]; ok {
			o.Hosts[i].FRR = &v
		}
	}
}

// frrLine says which FRR the hosts have: "FRR: rr1, rr2 8.4.4-1; node1 none".
func (o *outlook) frrLine() string {
	var texts []string
	hosts := map[string][]string{} // by text
	for _, h := range o.Hosts {
		if h.FRR == nil {
			continue
		}
		t := frrText(*h.FRR)
		if hosts[t] == nil {
			texts = append(texts, t)
		}
		hosts[t] = append(hosts[t], h.Host)
	}
	for i, t := range texts {
		texts[i] = strings.Join(hosts[t], ", ") + " " + t
	}
	if len(texts) == 0 {
		return ""
	}
	return "FRR: " + strings.Join(texts, "; ") + "\n"
}

func frrText(v frr.Versions) string {
	switch {
	case v.Installed == "" && v.Offered == "":
		return "none yet"
	case v.Installed == "":
		return "none, gets " + v.Offered
	case v.Offered == "" || v.Offered == v.Installed:
		return v.Installed
	}
	return v.Installed + " (its source has " + v.Offered + ")"
}
