package steps

import (
	"context"
	"strings"
)

// apt is the package manager of Debian and Ubuntu.
type apt struct{}

// Installed asks dpkg. It ends with 1 if one of the packages is unknown to
// it, and still tells of the others.
func (apt) Installed(ctx context.Context, r Reader, names []string) (map[string]string, error) {
	argv := append([]string{"dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package} ${Version}\n"}, names...)
	out, err := r.Query(ctx, argv...)
	if err != nil && exitStatus(err) != 1 {
		return nil, err
	}
	have := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "installed" {
			have[f[1]] = f[2]
		}
	}
	return have, nil
}

// Candidate need not be told whose package is wanted: our preferences say it
// to apt.
func (apt) Candidate(ctx context.Context, r Reader, name string, _ bool) (string, error) {
	out, err := r.Query(ctx, "apt-cache", "policy", name)
	if err != nil {
		return "", err
	}
	return aptCandidate(out), nil
}

func aptCandidate(policy string) string {
	for line := range strings.Lines(policy) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: "); ok && v != "(none)" {
			return v
		}
	}
	return "" // package lists that were never fetched: Install fetches them
}

// aptGet waits for other runs of apt, asks nothing, and leaves the
// configuration files as they are.
func aptGet(args ...string) []string {
	return append([]string{
		"env", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300",
		"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
	}, args...)
}

// aptUpdate fetches the package lists of all sources. Another run of apt that
// does so makes it fail at once, so it tries again: a minute is enough for that.
const aptUpdate = `for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
	out=$("$@" update 2>&1) && exit 0
	case $out in *"/var/lib/apt/lists/lock"*) sleep 5 ;; *) break ;; esac
done
printf '%s\n' "$out" | grep -E '^(E|W):' >&2
exit 1`

// Install fetches the lists only where FRR comes from the distribution, or
// where they are needed: a site without a way out has sources that do not
// answer.
func (a apt) Install(ctx context.Context, h Host, names []string, ours bool) error {
	install := aptGet(append([]string{"install", "--no-install-recommends", "--no-upgrade"}, names...)...)
	if ours && h.Run(ctx, install...) == nil {
		return nil
	}
	err := h.Run(ctx, append([]string{"sh", "-c", aptUpdate, "sh"}, aptGet()...)...)
	if err != nil && !ours {
		return packageError(err)
	}
	return packageError(h.Run(ctx, install...))
}

// Newer fetches the lists, of our repository or of all, and says which of the
// installed packages could be upgraded.
func (a apt) Newer(ctx context.Context, r Reader, names []string, ours bool) (map[string]string, error) {
	update := append([]string{"sh", "-c", aptUpdate, "sh", "timeout", "50"}, aptGet()...)
	if ours {
		update = append([]string{"timeout", "50"}, aptGet(ownLists...)...)
	}
	if _, err := r.Query(ctx, update...); err != nil {
		return nil, packageError(err)
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

// Upgrade downloads first: while FRR is exchanged, nothing else should take
// time.
func (a apt) Upgrade(ctx context.Context, h Host, names []string, exchange func() error) error {
	upgrade := append([]string{"install", "--no-install-recommends", "--only-upgrade"}, names...)
	if err := h.Run(ctx, aptGet(append([]string{"--download-only"}, upgrade...)...)...); err != nil {
		return packageError(err)
	}
	if err := exchange(); err != nil {
		return err
	}
	return packageError(h.Run(ctx, aptGet(upgrade...)...))
}
