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

func (apt) Candidate(ctx context.Context, r Reader, name string) (string, error) {
	out, err := r.Query(ctx, "apt-cache", "policy", name)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate: "); ok && v != "(none)" {
			return v, nil
		}
	}
	return "", nil // package lists that were never fetched: Install fetches them
}

// Install waits for other runs of apt, asks nothing, and leaves the
// configuration files as they are.
func (apt) Install(ctx context.Context, h Host, names []string) error {
	apt := []string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"}
	if err := h.Run(ctx, append(apt, "update")...); err != nil {
		return err
	}
	return h.Run(ctx, append(append(apt,
		"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
		"install", "--no-install-recommends", "--no-upgrade"), names...)...)
}
