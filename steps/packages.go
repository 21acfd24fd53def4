package steps

import (
	"context"
	"fmt"

	"ipfabric/inventory"
)

// frrInstalled: FRR and its tools are installed, in a version that ipfabric
// can write configuration for.
type frrInstalled struct{ host inventory.Host }

func (s frrInstalled) String() string { return "FRR is installed" }

func (s frrInstalled) Check(ctx context.Context, r Reader) (Diff, error) {
	p, err := platformOf(ctx, r, s.host.OS)
	if err != nil {
		return nil, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return nil, err
	}
	var diff Diff
	for _, name := range missing(p.FRR, have) {
		version, err := p.Packages.Candidate(ctx, r, name)
		if err != nil {
			return nil, err
		}
		if version == "" {
			version = "the distribution's"
		}
		diff = append(diff, Change{Item: "package " + name, Want: version})
	}
	return diff, nil
}

func (s frrInstalled) Apply(ctx context.Context, h Host) error {
	p, err := platformOf(ctx, h, s.host.OS)
	if err != nil {
		return err
	}
	have, err := p.Packages.Installed(ctx, h, p.FRR)
	if err != nil {
		return err
	}
	names := missing(p.FRR, have)
	if s.host.FRR.Source == "preinstalled" {
		return fmt.Errorf("%v are not there, and the inventory says that FRR is preinstalled", names)
	}
	return p.Packages.Install(ctx, h, names)
}

// frrVersionOf returns the version of the installed FRR, or of the one that
// would be installed.
func frrVersionOf(ctx context.Context, r Reader, host inventory.Host) (frrVersion, error) {
	p, err := platformOf(ctx, r, host.OS)
	if err != nil {
		return frrVersion{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return frrVersion{}, err
	}
	version := have[p.FRR[0]]
	if version == "" {
		if version, err = p.Packages.Candidate(ctx, r, p.FRR[0]); err != nil {
			return frrVersion{}, err
		}
	}
	if version == "" {
		return frrVersion{8, 4}, nil // a dry run before apt-get update: the plan shows roughly what comes
	}
	return parseFRRVersion(version)
}
