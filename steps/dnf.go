package steps

import (
	"context"
	"strings"
)

// dnf is the package manager of AlmaLinux, Rocky, RHEL and the like from
// version 8 on; their yum is the same program.
type dnf struct{}

// Installed asks rpm, whose exit status is the number of packages that it does
// not know; it still tells of the others.
func (dnf) Installed(ctx context.Context, r Reader, names []string) (map[string]string, error) {
	argv := append([]string{"rpm", "-q", "--qf", `installed %{NAME} %{VERSION}-%{RELEASE}\n`}, names...)
	out, err := r.Query(ctx, argv...)
	if err != nil && (exitStatus(err) < 0 || exitStatus(err) > len(names)) {
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

// Candidate looks at the metadata that the host has: fetching it takes long,
// and is a change.
func (dnf) Candidate(ctx context.Context, r Reader, name string) (string, error) {
	out, err := r.Query(ctx, "dnf", "-q", "-C", "repoquery", "--latest-limit=1", "--qf", "%{version}-%{release}", name)
	if err != nil && exitStatus(err) < 0 {
		return "", err
	}
	// Nothing, or an error: metadata that was never fetched.
	lines := strings.Fields(out)
	if err != nil || len(lines) == 0 {
		return "", nil
	}
	return lines[len(lines)-1], nil
}

// Install waits for other runs of dnf, as dnf does by itself.
func (dnf) Install(ctx context.Context, h Host, names []string) error {
	return h.Run(ctx, append([]string{"dnf", "-q", "-y", "--setopt=install_weak_deps=False", "install"}, names...)...)
}
