package frr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/host"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// upgradedFrom holds FRR's package version before an upgrade that is not
// confirmed yet.
const upgradedFrom = rollbackDir + "/upgraded-from"

// upgraded: FRR is the newest that its source has, and that is what runs.
// It is a step only where an upgrade was asked for.
type upgraded struct {
	host     inventory.Host
	rollback rollback
}

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

func (s upgraded) Apply(ctx context.Context, h step.Host) error {
	p, err := packages.PlatformOf(ctx, h, s.host.OS)
	if err != nil {
		return err
	}
	have, newer, err := s.newer(ctx, h)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(newer))
	exchange := func() error {
		if err := s.rollback.arm(ctx, h); err != nil {
			return err
		}
		return s.remember(ctx, h, have["frr"])
	}
	if len(names) > 0 {
		if err := packages.HasSpace(ctx, h); err != nil {
			return err
		}
		if err := p.Packages.Upgrade(ctx, h, names, exchange); err != nil {
			return err
		}
	}
	stale, err := h.Query(ctx, assets.Script("stale-daemons.sh")...)
	if err != nil {
		return err
	}
	if strings.TrimSpace(stale) != "" { // the package left the restart to us
		if err := s.rollback.arm(ctx, h); err != nil {
			return err
		}
		if err := restartFRR(ctx, h); err != nil {
			return err
		}
	}
	return awaitService(ctx, h, 30*time.Second)
}

// remember notes the version that a failed upgrade is to go back to. Where
// nothing is armed, FRR did not run, and nothing can be lost.
func (s upgraded) remember(ctx context.Context, h step.Host, version string) error {
	_, err := h.ReadFile(ctx, rollbackArmed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return host.WriteFile(ctx, h, host.File{Path: upgradedFrom, Data: []byte(version + "\n"), Mode: 0o600})
}

// olderFRR is the version that FRR had before an upgrade that is not
// confirmed; "" if there was none.
func olderFRR(ctx context.Context, r step.Reader) string {
	data, err := r.ReadFile(ctx, upgradedFrom)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// errUpgradeLost is an error with a hint: an upgrade that sessions did not
// survive. A configuration can be put back by the host itself, a package not.
type errUpgradeLost struct {
	errSessionsLost
	older string
}

func (e errUpgradeLost) Error() string {
	return fmt.Sprintf("%s; FRR was upgraded from %s, and stays so", e.errSessionsLost.Error(), e.older)
}

func (e errUpgradeLost) Hint() string {
	return fmt.Sprintf("look at these neighbors, and at `journalctl -u frr` here; the old FRR comes back with "+
		"`apt-get install --allow-downgrades frr=%[1]s frr-pythontools=%[1]s` or `dnf downgrade frr-%[1]s` while the source has it; no other host was upgraded", e.older)
}
