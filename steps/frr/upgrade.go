package frr

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// upgraded: FRR is the newest that its source has, and that is what runs.
// It is a step only where an upgrade was asked for.
type upgraded struct{ host inventory.Host }

func (s upgraded) String() string { return "FRR is the newest of its source" }

func (s upgraded) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	if s.host.FRR.Source == "preinstalled" {
		return nil, nil
	}
	have, newer, err := s.newer(ctx, r)
	if err != nil {
		return nil, err
	}
	var diff step.Diff
	for name, version := range newer {
		diff = append(diff, step.Change{Item: "package " + name, Have: have[name], Want: version})
	}
	slices.SortFunc(diff, func(a, b step.Change) int { return strings.Compare(a.Item, b.Item) })
	stale, err := r.Query(ctx, assets.Script("stale-daemons.sh")...)
	if err != nil {
		return nil, err
	}
	if names := strings.Fields(stale); len(names) > 0 {
		slices.Sort(names)
		diff = append(diff, step.Change{Item: "running FRR", Have: "the old " + strings.Join(slices.Compact(names), ", "), Want: "the installed version"})
	}
	return diff, nil
}

// newer returns the versions of FRR's packages, and those that they could be
// upgraded to.
func (s upgraded) newer(ctx context.Context, r step.Reader) (have, newer map[string]string, err error) {
	p, repo, err := repositoryOf(ctx, r, s.host)
	if err != nil {
		return nil, nil, err
	}
	// frr-pythontools is in some repositories and not in others.
	have, err = p.Packages.Installed(ctx, r, []string{"frr", "frr-pythontools"})
	if err != nil || len(have) == 0 {
		return nil, nil, err // installed takes the newest
	}
	diff, err := repositoryDiff(ctx, r, p, repo)
	if err != nil {
		return nil, nil, err
	}
	if len(diff) > 0 { // a dry run
		newer, err = offered(ctx, r, p, repo)
		for name, version := range newer {
			if have[name] == "" || have[name] == version {
				delete(newer, name)
			}
		}
		return have, newer, err
	}
	newer, err = p.Packages.Newer(ctx, r, slices.Sorted(maps.Keys(have)), repo != nil)
	return have, newer, err
}

// prepare downloads the packages: while FRR is exchanged, nothing else should
// take time.
func (s upgraded) prepare(ctx context.Context, h step.Host) (prepared, error) {
	p, err := packages.PlatformOf(ctx, h, s.host.OS)
	if err != nil {
		return prepared{}, err
	}
	have, newer, err := s.newer(ctx, h)
	if err != nil {
		return prepared{}, err
	}
	names := slices.Sorted(maps.Keys(newer))
	if len(names) == 0 {
		return prepared{apply: func(ctx context.Context) error { return s.restart(ctx, h) }}, nil
	}
	if err := packages.HasSpace(ctx, h); err != nil {
		return prepared{}, err
	}
	if err := p.Packages.Download(ctx, h, names); err != nil {
		return prepared{}, err
	}
	exchange := func(ctx context.Context) error {
		if err := p.Packages.Upgrade(ctx, h, names); err != nil {
			return err
		}
		return s.restart(ctx, h)
	}
	return prepared{apply: exchange, upgradedFrom: have["frr"]}, nil
}

// restart restarts FRR where the package has left that to us, and waits for it.
func (s upgraded) restart(ctx context.Context, h step.Host) error {
	stale, err := h.Query(ctx, assets.Script("stale-daemons.sh")...)
	if err != nil {
		return err
	}
	if strings.TrimSpace(stale) != "" {
		if err := restartFRR(ctx, h); err != nil {
			return err
		}
	}
	return awaitService(ctx, h, 30*time.Second)
}
