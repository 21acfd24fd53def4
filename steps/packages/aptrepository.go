package packages

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"ipfabric/assets"
	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

const (
	aptKey         = "/etc/apt/keyrings/ipfabric-frr.asc"
	aptSource      = "/etc/apt/sources.list.d/ipfabric-frr.sources"
	aptPreferences = "/etc/apt/preferences.d/ipfabric-frr"
)

// ownLists keep apt-get to the lists of our repository.
var ownLists = []string{"-o", "Dir::Etc::sourcelist=" + aptSource, "-o", "Dir::Etc::sourceparts=/dev/null", "-o", "APT::Get::List-Cleanup=0"}

// KeyPath is where the key of our repository is.
func (aptManager) KeyPath() string { return aptKey }

// RepositoryPaths are the files of our repository, the source first.
func (aptManager) RepositoryPaths() []string { return []string{aptSource, aptPreferences, aptKey} }

// RepositoryFiles are the key first: a source without its key makes apt fail.
// The key is for this source alone. The preferences keep FRR to it: else the
// next upgrade of all packages could take FRR, or the libyang that it was built
// with, from the distribution.
func (aptManager) RepositoryFiles(r Repository) []host.File {
	h := ""
	if u, err := url.Parse(r.URL); err == nil {
		h = u.Hostname()
	}
	preferences := "# Written by ipfabric.\nPackage: frr frr-* libyang*\nPin: origin \"" + h + "\"\nPin-Priority: 900\n"
	return []host.File{
		{Path: aptKey, Data: []byte(r.Key), Mode: 0o644},
		{Path: aptPreferences, Data: []byte(preferences), Mode: 0o644},
		{Path: aptSource, Data: []byte(aptStanza(r, aptKey)), Mode: 0o644},
	}
}

func aptStanza(r Repository, keyPath string) string {
	s := "# Written by ipfabric.\nTypes: deb\nURIs: " + r.URL + "\nSuites: " + r.Suite + "\n"
	if r.Component != "" {
		s += "Components: " + r.Component + "\n"
	}
	return s + "Signed-By: " + keyPath + "\n"
}

// Try looks at the packages of a repository that is not put in place.
func (aptManager) Try(ctx context.Context, r step.Reader, repo Repository, _ bool) (map[string]string, error) {
	names := []string{"frr", "frr-pythontools"}
	out, err := r.Query(ctx, append(assets.Script("apt-try.sh", repo.Key, aptStanza(repo, "")), names...)...)
	if err != nil {
		return nil, err
	}
	versions, err := triedVersions(repo, out)
	if err == nil && len(Missing(names, versions)) > 0 {
		return nil, errRepository{repo, fmt.Sprintf("no package %s", strings.Join(Missing(names, versions), ", "))}
	}
	return versions, err
}

// Refresh fetches the lists of our repository.
func (aptManager) Refresh(ctx context.Context, h step.Host) error {
	return listsError(h.Run(ctx, aptUpdate(true)...))
}
