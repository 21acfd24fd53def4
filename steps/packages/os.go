package packages

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ipfabric/steps/host"
	"ipfabric/steps/step"
)

// A Platform is what differs between operating systems. All of it is in the
// table below. Every one of them runs systemd, and its FRR belongs to frr:frr,
// has its configuration in /etc/frr and vtysh in the path; where frr-reload.py
// is depends on who built the package, so the host is asked (frr-reload.sh).
type Platform struct {
	Name     string // "debian12", as in the inventory's os
	Family   string // "debian" or "el"
	Version  string // VERSION_ID of os-release; of "el" the number before the dot
	Codename string // "bookworm": the suite of apt repositories; "" with RPMs
	Packages Manager
	FRR      []string // the distribution's packages: the daemons, and frr-reload.py
	// FRRVersion is that of the distribution's own FRR, for a plan on a host whose package
	// lists were not fetched yet. "" is not known.
	FRRVersion string
}

// platforms is every operating system that ipfabric knows. The packages of
// AlmaLinux, Rocky, RHEL and the like (el) have frr-reload.py in frr itself.
var platforms = []Platform{
	{"debian11", "debian", "11", "bullseye", aptManager{}, []string{"frr", "frr-pythontools"}, "7.5"},
	{"debian12", "debian", "12", "bookworm", aptManager{}, []string{"frr", "frr-pythontools"}, "8.4"},
	{"debian13", "debian", "13", "trixie", aptManager{}, []string{"frr", "frr-pythontools"}, "10.3"},
	{"ubuntu2004", "debian", "20.04", "focal", aptManager{}, []string{"frr", "frr-pythontools"}, "7.2"},
	{"ubuntu2204", "debian", "22.04", "jammy", aptManager{}, []string{"frr", "frr-pythontools"}, "8.1"},
	{"ubuntu2404", "debian", "24.04", "noble", aptManager{}, []string{"frr", "frr-pythontools"}, "8.4"},
	{"el8", "el", "8", "", dnfManager{}, []string{"frr"}, "7.5"},
	{"el9", "el", "9", "", dnfManager{}, []string{"frr"}, "8.5"},
	{"el10", "el", "10", "", dnfManager{}, []string{"frr"}, "10.1"},
}

// elIDs are the distributions that are RHEL, or rebuilt from it.
var elIDs = []string{"rhel", "almalinux", "rocky", "centos", "ol"}

// A Manager knows a distribution's packages. What is "ours" is the
// repository that ipfabric has put in place, and not the distribution's.
type Manager interface {
	// Installed returns the versions of those packages that are installed.
	Installed(ctx context.Context, r step.Reader, names []string) (map[string]string, error)
	// Candidate returns the version that Install would install; "" if it is not known.
	Candidate(ctx context.Context, r step.Reader, name string, ours bool) (string, error)
	// Install installs packages, and upgrades none that is there.
	Install(ctx context.Context, h step.Host, names []string, ours bool) error
	// Newer fetches what the sources have now, and returns the versions that
	// installed packages could be upgraded to.
	Newer(ctx context.Context, r step.Reader, names []string, ours bool) (map[string]string, error)
	// Download fetches the versions that Newer returned, and Upgrade then
	// installs them: an upgrade of what was downloaded takes little time.
	Download(ctx context.Context, h step.Host, names []string) error
	Upgrade(ctx context.Context, h step.Host, names []string) error
	repositories
}

// repositories are a package manager's sources of packages.
type repositories interface {
	// Try returns the versions of FRR's packages in a repository, without
	// putting it in place. A full trial looks at the packages too.
	Try(ctx context.Context, r step.Reader, repo Repository, full bool) (map[string]string, error)
	// RepositoryFiles are the files that put a repository in place,
	// RepositoryPaths where they are, and KeyPath where its key is.
	RepositoryFiles(repo Repository) []host.File
	RepositoryPaths() []string
	KeyPath() string
	// Refresh fetches what the repository in place has.
	Refresh(ctx context.Context, h step.Host) error
}

// PlatformOf finds the host's platform: what the inventory says, else what
// its os-release says.
func PlatformOf(ctx context.Context, r step.Reader, override string) (Platform, error) {
	if override != "" {
		i := slices.IndexFunc(platforms, func(p Platform) bool { return p.Name == override })
		if i < 0 {
			return Platform{}, errUnsupportedOS{override}
		}
		return platforms[i], nil
	}
	data, err := r.ReadFile(ctx, "/etc/os-release")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = r.ReadFile(ctx, "/usr/lib/os-release")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return Platform{}, errUnsupportedOS{"an operating system without an os-release file"}
	}
	if err != nil {
		return Platform{}, fmt.Errorf("which operating system: %w", err)
	}
	rel := parseOSRelease(data)
	for _, p := range platforms {
		if p.is(rel) {
			return p, nil
		}
	}
	if versionMissing(rel) {
		return Platform{}, errNoOSVersion{rel["ID"]}
	}
	for _, name := range []string{rel["PRETTY_NAME"], strings.TrimSpace(cmp.Or(rel["NAME"], rel["ID"]) + " " + rel["VERSION_ID"])} {
		if name != "" {
			return Platform{}, errUnsupportedOS{name}
		}
	}
	return Platform{}, errUnsupportedOS{"this operating system"}
}

// is says whether an os-release describes the platform, or one that is made
// of it: such a one often has versions of its own, and then tells what it is
// made of by a code name.
func (p Platform) is(rel map[string]string) bool {
	id, version, like := rel["ID"], rel["VERSION_ID"], strings.Fields(rel["ID_LIKE"])
	if p.Family == "el" {
		major, _, _ := strings.Cut(version, ".")
		return major == p.Version &&
			(slices.Contains(elIDs, id) || slices.Contains(like, "rhel") || slices.Contains(like, "centos"))
	}
	distribution := strings.TrimRight(p.Name, "0123456789")
	if id == distribution {
		// Debian's testing has no VERSION_ID, and the next release's code name.
		return version == p.Version || version == "" && rel["VERSION_CODENAME"] == p.Codename
	}
	if !slices.Contains(like, distribution) {
		return false
	}
	if codename := rel[strings.ToUpper(distribution)+"_CODENAME"]; codename != "" {
		return codename == p.Codename
	}
	return version == p.Version
}

// parseOSRelease reads os-release(5): shell assignments, perhaps quoted.
func parseOSRelease(data []byte) map[string]string {
	out := map[string]string{}
	sc := bufio.NewScanner(bytes.NewReader(data))
	for sc.Scan() {
		line := strings.TrimSpace(sc.Text())
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = value[1 : n-1]
		} else if fields := strings.Fields(value); len(fields) > 1 && strings.HasPrefix(fields[1], "#") {
			value = fields[0]
		}
		for _, c := range []string{`"`, "$", "`", `\`} {
			value = strings.ReplaceAll(value, `\`+c, c)
		}
		out[key] = value
	}
	return out
}

// Missing returns the names that are not keys of have.
func Missing(names []string, have map[string]string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return have[n] != "" })
}

// Candidates returns the versions of FRR's packages that Install would install.
// One that is not known is left out.
func (p Platform) Candidates(ctx context.Context, r step.Reader, ours bool) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range p.FRR {
		version, err := p.Packages.Candidate(ctx, r, name, ours)
		if err != nil {
			return nil, err
		}
		if version != "" {
			out[name] = version
		}
	}
	return out, nil
}
