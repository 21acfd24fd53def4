package frr

import (
	"context"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// A Versions is what FRR a host has and could have, as package versions.
type Versions struct {
	Installed string `json:"installed"` // "" is none
	Offered   string `json:"offered"`   // what its source has, as far as the host knows; "" is not known
}

// AskVersions asks a host for its FRR's versions.
func AskVersions(ctx context.Context, r step.Reader, host inventory.Host) (Versions, error) {
	if host.FRR.Source == "preinstalled" {
		v, err := ownVersion(ctx, r)
		return Versions{Installed: v.String()}, err
	}
	p, repo, err := repositoryOf(ctx, r, host)
	if err != nil {
		return Versions{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return Versions{}, err
	}
	offered, err := offered(ctx, r, p, repo)
	if err != nil {
		return Versions{}, err
	}
	return Versions{have[p.FRR[0]], offered[p.FRR[0]]}, nil
}
