package packages

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// aptManager is the package manager of Debian and Ubuntu.
type aptManager struct{}

// Installed asks dpkg. It ends with 1 if one of the packages is unknown to
// it, and still tells of the others.
func (aptManager) Installed(ctx context.Context, r step.Reader, names []string) (map[string]string, error) {
	argv := append([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"}, names...)
	out, err := r.Query(ctx, argv...)
	if err != nil && step.ExitStatus(err) != 1 {
		return nil, err
	}
	return installedVersions(out), nil
}

// Candidate need not be told whose package is wanted: our preferences say it
// to apt.
func (aptManager) Candidate(ctx context.Context, r step.Reader, name string, _ bool) (string, error) {
	out, err := r.Query(ctx, aptPolicy(name)...)
	if err != nil {
		return "", packageError(err)
	}
	return aptCandidate(out), nil
}

func aptPolicy(name string) []string {
	return assets.Script("apt-cache.sh", strconv.Itoa(spaceNeeded), "policy", name)
}

func aptCandidate(policy string) string {
	for line := range strings.Lines(policy) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: "); ok && v != "(none)" {
			return v
		}
	}
	return "" // package lists that were never fetched: Install fetches them
}

// aptGet waits for other runs of apt, asks nothing, leaves the configuration
// files as they are, and restarts nobody else's services (as needrestart does
// on Ubuntu).
func aptGet(args ...string) []string {
	return append([]string{
		"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300",
		"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
	}, args...)
}

// aptUpdate is the command that fetches the lists: of our repository alone, or
// of all.
func aptUpdate(ours bool) []string { return fetching("any", ours) }

// aptUpdateAll is aptUpdate where an old list would be mistaken for a new one.
// It takes a minute at most.
func aptUpdateAll(ours bool) []string { return fetching("all", ours, "timeout", "50") }

func fetching(must string, ours bool, wrapper ...string) []string {
	argv := append(assets.Script("apt-lists.sh", must), wrapper...)
	if ours {
		return append(argv, aptGet(ownLists...)...)
	}
	return append(argv, aptGet()...)
}

// listsError is the error of aptUpdate. It names apt-get, not the loop around it.
func listsError(err error) error {
	if err == nil {
		return nil
	}
	return packageError(errPackageRun{argv: aptGet("update"), err: err})
}

// Install fetches the lists only where FRR comes from the distribution, or
// where they are needed: a site without a way out has sources that do not
// answer.
func (a aptManager) Install(ctx context.Context, h step.Host, names []string, ours bool) error {
	install := aptGet(append([]string{"install", "--no-install-recommends", "--no-upgrade"}, names...)...)
	if ours {
		err := a.change(ctx, h, install)
		if err == nil || !wantsLists(err) {
			return err
		}
	}
	if err := h.Run(ctx, aptUpdate(false)...); err != nil && !ours {
		return listsError(err)
	}
	return a.change(ctx, h, install)
}

// change changes packages, once those of a run that was cut off are complete.
func (a aptManager) change(ctx context.Context, h step.Host, argv []string) error {
	if err := a.complete(ctx, h); err != nil {
		return err
	}
	return changePackages(ctx, h, argv)
}

// wantsLists says whether apt failed in a way that current lists could mend.
func wantsLists(err error) bool {
	return containsAny(err.Error(), "Unable to locate", "nmet dependencies", "Unable to fetch", "Failed to fetch", "no installation candidate", "was not found")
}

// Newer fetches the lists, of our repository or of all, and says which of the
// installed packages could be upgraded.
func (a aptManager) Newer(ctx context.Context, r step.Reader, names []string, ours bool) (map[string]string, error) {
	if _, err := r.Query(ctx, aptUpdateAll(ours)...); err != nil {
		return nil, listsError(err)
	}
	have, err := a.Installed(ctx, r, names)
	if err != nil {
		return nil, err
	}
	newer := map[string]string{}
	for name, version := range have {
		candidate, err := a.Candidate(ctx, r, name, ours)
		if err != nil {
			return nil, err
		}
		if candidate != "" && candidate != version {
			newer[name] = candidate
		}
	}
	return newer, nil
}

// upgradeOnly installs newer versions of packages, and no package that is not there.
var upgradeOnly = []string{"install", "--no-install-recommends", "--only-upgrade"}

// Download fetches what Upgrade installs.
func (a aptManager) Download(ctx context.Context, h step.Host, names []string) error {
	return a.change(ctx, h, aptGet(slices.Concat([]string{"--download-only"}, upgradeOnly, names)...))
}

// Upgrade upgrades packages that were downloaded.
func (a aptManager) Upgrade(ctx context.Context, h step.Host, names []string) error {
	return changePackages(ctx, h, aptGet(slices.Concat(upgradeOnly, names)...))
}
