package packages

import (
	"context"

	"ipfabric/steps/step"
)

// dnfManager is the package manager of AlmaLinux, Rocky, RHEL and the like from
// version 8 on; their yum is the same program. It waits for other runs of dnf
// by itself.
type dnfManager struct{}

// Installed asks rpm, whose exit status is the number of packages that it does
// not know; it still tells of the others.
func (dnfManager) Installed(ctx context.Context, r step.Reader, names []string) (map[string]string, error) {
	argv := append([]string{"rpm", "-q", "--qf", `installed %{NAME} %{VERSION}-%{RELEASE}\n`}, names...)
	out, err := r.Query(ctx, argv...)
	if err != nil && (step.ExitStatus(err) < 0 || step.ExitStatus(err) > len(names)) {
		return nil, err
	}
	return installedVersions(out), nil
}

// dnfOwn keep dnf to our repository.
var dnfOwn = []string{"--disablerepo=*", "--enablerepo=" + dnfRepo}

// dnfQuery asks for a package's newest version.
func dnfQuery(options ...string) []string {
	argv := append([]string{"dnf", "-q"}, options...)
	return append(argv, "repoquery", "--latest-limit=1", "--qf", `%{name} %{version}-%{release}`)
}

// Candidate looks at the metadata that the host has: fetching it takes long,
// and is a change. Without any, dnf says so by an error.
func (dnfManager) Candidate(ctx context.Context, r step.Reader, name string, ours bool) (string, error) {
	argv := dnfQuery("-C")
	if ours {
		argv = dnfQuery(append([]string{"-C"}, dnfOwn...)...)
	}
	out, err := r.Query(ctx, append(argv, name)...)
	if err != nil && step.ExitStatus(err) < 0 {
		return "", err
	}
	if err != nil {
		return "", nil
	}
	versions, err := triedVersions(Repository{}, out)
	return versions[name], err
}

// dnfDo changes packages, and asks nothing.
func dnfDo(args ...string) []string {
	return append([]string{"env", "LC_ALL=C", "dnf", "-q", "-y", "--setopt=install_weak_deps=False"}, args...)
}

// Install takes frr-pythontools too where our repository has it: the FRR
// project's packages have frr-reload.py there. So that FRR starts, it also
// brings libyang up to date, which an older FRR or another program may have
// brought in: packages of FRR before 10.4 do not say which version they need.
func (d dnfManager) Install(ctx context.Context, h step.Host, names []string, ours bool) error {
	if !ours {
		return changePackages(ctx, h, dnfDo(append([]string{"install"}, names...)...))
	}
	tools, err := d.Candidate(ctx, h, "frr-pythontools", true)
	if err != nil {
		return err
	}
	if tools != "" {
		names = append(names, "frr-pythontools")
	}
	if err := changePackages(ctx, h, dnfDo(append([]string{"install"}, names...)...)); err != nil {
		return err
	}
	yang, err := d.Candidate(ctx, h, "libyang", true)
	if err != nil || yang == "" {
		return err
	}
	return changePackages(ctx, h, dnfDo("upgrade", "libyang"))
}

// Newer fetches the metadata, of our repository or of all, and says which of
// the installed packages could be upgraded.
func (dnfManager) Newer(ctx context.Context, r step.Reader, names []string, ours bool) (map[string]string, error) {
	argv := dnfQuery("--refresh")
	if ours {
		argv = dnfQuery(append([]string{"--refresh"}, dnfOwn...)...)
	}
	argv = append(append([]string{"timeout", "50"}, argv...), "--upgrades")
	out, err := r.Query(ctx, append(argv, names...)...)
	if err != nil {
		return nil, packageError(err)
	}
	return triedVersions(Repository{}, out)
}

// Download fetches what Upgrade installs.
func (dnfManager) Download(ctx context.Context, h step.Host, names []string) error {
	return changePackages(ctx, h, dnfDo(append([]string{"--downloadonly", "upgrade"}, names...)...))
}

// Upgrade upgrades packages that were downloaded.
func (dnfManager) Upgrade(ctx context.Context, h step.Host, names []string) error {
	return changePackages(ctx, h, dnfDo(append([]string{"upgrade"}, names...)...))
}
