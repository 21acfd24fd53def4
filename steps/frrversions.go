package steps

import (
	"context"
	"sync"

	"ipfabric/inventory"
)

// A FRRVersion is what FRR a host has and could have, as package versions.
type FRRVersion struct {
	Installed string `json:"installed"` // "" is none
	Offered   string `json:"offered"`   // what its source has, as far as the host knows; "" is not known
}

// FRRVersions asks hosts for their FRR's version. Hosts that give no answer
// are left out, and so are core gateways.
func FRRVersions(ctx context.Context, f *inventory.Fabric, connect func(ctx context.Context, host string) (Host, error), hosts []string) map[string]FRRVersion {
	var mu sync.Mutex
	out := map[string]FRRVersion{}
	var wg sync.WaitGroup
	for _, name := range hosts {
		h, ok := f.Host(name)
		if !ok || h.Role == inventory.RoleCoreGateway {
			continue
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			host, err := connect(ctx, name)
			if err != nil {
				return
			}
			o := onceOf(host)
			o.look(func() {
				v, err := frrVersions(ctx, o, h.Host)
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

func frrVersions(ctx context.Context, r Reader, host inventory.Host) (FRRVersion, error) {
	if host.FRR.Source == "preinstalled" {
		v, err := ownFRRVersion(ctx, r)
		return FRRVersion{Installed: v.String()}, err
	}
	p, repo, err := repositoryOf(ctx, r, host)
	if err != nil {
		return FRRVersion{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return FRRVersion{}, err
	}
	offered, err := frrOffered(ctx, r, p, repo)
	if err != nil {
		return FRRVersion{}, err
	}
	return FRRVersion{have[p.FRR[0]], offered[p.FRR[0]]}, nil
}
