package packages

import (
	"context"
	"fmt"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const (
	dnfKey    = "/etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr"
	dnfConfig = "/etc/yum.repos.d/ipfabric-frr.repo"
	dnfRepo   = "ipfabric-frr*" // the names of our repositories in it
)

// KeyPath is where the key of our repository is.
func (dnfManager) KeyPath() string { return dnfKey }

// RepositoryPaths are the files of our repository, the source first.
func (dnfManager) RepositoryPaths() []string { return []string{dnfConfig, dnfKey} }

// RepositoryFiles are the key first: a repository without its key makes dnf
// fail.
func (dnfManager) RepositoryFiles(r Repository) []host.File {
	return []host.File{
		{Path: dnfKey, Data: []byte(r.Key), Mode: 0o644},
		{Path: dnfConfig, Data: []byte(dnfSections(r, dnfKey)), Mode: 0o644},
	}
}

// dnfSections has a priority, so that FRR is never taken from the distribution
// (99) even if that has a newer one.
func dnfSections(r Repository, keyPath string) string {
	section := func(name, title, url, more string) string {
		return fmt.Sprintf("[%s]\nname=%s\nbaseurl=%s\nenabled=1\ngpgcheck=1\ngpgkey=file://%s\npriority=10\n%s", name, title, url, keyPath, more)
	}
	only := ""
	if r.Series != "" {
		only = "includepkgs=" + strings.Join(r.packages(), " ") + "\n"
	}
	s := "# Written by ipfabric.\n" + section("ipfabric-frr", "FRR", r.URL, only)
	if r.Extras != "" {
		s += "\n" + section("ipfabric-frr-extras", "what FRR needs", r.Extras, "includepkgs=libyang* librtr*\n")
	}
	return s
}

// packages are FRR's, of one release line.
func (r Repository) packages() []string {
	var out []string
	for _, name := range []string{"frr", "frr-pythontools", "frr-snmp", "frr-rpki-rtrlib", "frr-selinux"} {
		if strings.Contains(r.Series, ".") {
			out = append(out, name+"-"+r.Series+"-*")
		}
		out = append(out, name+"-"+r.Series+".*")
	}
	return out
}

// Try looks at the packages of a repository that is not put in place.
func (dnfManager) Try(ctx context.Context, r step.Reader, repo Repository, full bool) (map[string]string, error) {
	yes := "no"
	if full {
		yes = "yes"
	}
	out, err := r.Query(ctx, assets.Script("dnf-try.sh", yes, repo.Key, dnfSections(repo, "/nowhere"), "frr", "frr-pythontools")...)
	if err != nil {
		return nil, err
	}
	versions, err := triedVersions(repo, out)
	if err == nil && versions["frr"] == "" {
		return nil, errRepository{repo, "no package frr"}
	}
	return versions, err
}

// Refresh fetches the metadata of our repository.
func (dnfManager) Refresh(ctx context.Context, h step.Host) error {
	return packageError(h.Run(ctx, dnfDo(append(append([]string{"--refresh"}, dnfOwn...), "makecache")...)...))
}
