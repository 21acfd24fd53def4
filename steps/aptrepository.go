package steps

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"ipfabric/assets"
)

const (
	aptKey         = "/etc/apt/keyrings/ipfabric-frr.asc"
	aptSource      = "/etc/apt/sources.list.d/ipfabric-frr.sources"
	aptPreferences = "/etc/apt/preferences.d/ipfabric-frr"
)

// ownLists keep apt-get to the lists of our repository.
var ownLists = []string{"-o", "Dir::Etc::sourcelist=" + aptSource, "-o", "Dir::Etc::sourceparts=/dev/null", "-o", "APT::Get::List-Cleanup=0"}

func (apt) keyPath() string { return aptKey }

func (apt) repositoryPaths() []string { return []string{aptSource, aptPreferences, aptKey} }

// repositoryFiles are the key first: a source without its key makes apt fail.
// The key is for this source alone. The preferences keep FRR to it: else the
// next upgrade of all packages could take FRR, or the libyang that it was built
// with, from the distribution.
func (apt) repositoryFiles(r repository) []file {
	host := ""
	if u, err := url.Parse(r.URL); err == nil {
		host = u.Hostname()
	}
	preferences := "# Written by ipfabric.\nPackage: frr frr-* libyang*\nPin: origin \"" + host + "\"\nPin-Priority: 900\n"
	return []file{
		{path: aptKey, data: []byte(r.Key), mode: 0o644},
		{path: aptPreferences, data: []byte(preferences), mode: 0o644},
		{path: aptSource, data: []byte(aptStanza(r, aptKey)), mode: 0o644},
	}
}

func aptStanza(r repository, keyPath string) string {
	s := "# Written by ipfabric.\nTypes: deb\nURIs: " + r.URL + "\nSuites: " + r.Suite + "\n"
	if r.Component != "" {
		s += "Components: " + r.Component + "\n"
	}
	return s + "Signed-By: " + keyPath + "\n"
}

// Try looks at the packages of a repository that is not put in place.
func (apt) Try(ctx context.Context, r Reader, repo repository, _ bool) (map[string]string, error) {
	names := []string{"frr", "frr-pythontools"}
	out, err := r.Query(ctx, append(assets.Script("apt-try.sh", repo.Key, aptStanza(repo, "")), names...)...)
	if err != nil {
		return nil, err
	}
	versions, err := triedVersions(repo, out)
	if err == nil && len(missing(names, versions)) > 0 {
		return nil, errRepository{repo, fmt.Sprintf("no package %s", strings.Join(missing(names, versions), ", "))}
	}
	return versions, err
}

// Refresh fetches the lists of our repository.
func (apt) Refresh(ctx context.Context, h Host) error {
	return listsError(h.Run(ctx, aptUpdate(true)...))
}
