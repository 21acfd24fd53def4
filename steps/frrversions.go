package steps

import (
	"context"

	"ipfabric/inventory"
)

// A FRRVersion is what FRR a host has and could have, as package versions.
type FRRVersion struct {
	Installed string `json:"installed"` // "" is none
	Offered   string `json:"offered"`   // what its source has, as far as the host knows; "" is not known
}

// AskFRRVersions asks a host for its FRR's versions.
func AskFRRVersions(ctx context.Context, r Reader, host inventory.Host) (FRRVersion, error) {
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
