package frr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/host"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// sourced: the repository that FRR comes from is known to the host, and no
// other one of ours is. It is tried out before anything of it is put in
// place, so that one that does not work leaves the host as it is.
type sourced struct {
	host inventory.Host
	keys *UpstreamKeys
}

func (s sourced) String() string { return "FRR's package repository is set up" }

func (s sourced) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	p, repo, err := repositoryOf(ctx, r, s.host)
	if err != nil {
		return nil, err
	}
	diff, err := repositoryDiff(ctx, r, p, repo)
	if err != nil || len(diff) == 0 || repo == nil {
		return diff, err
	}
	return diff, s.try(ctx, r, p, repo, false)
}

// try tries a repository out, for which FRR's own needs its key first.
func (s sourced) try(ctx context.Context, r step.Reader, p packages.Platform, repo *packages.Repository, full bool) (err error) {
	if repo.Key == "" {
		if repo.Key, err = s.keys.of(ctx, p.Family); err != nil {
			return err
		}
	}
	_, err = p.Packages.Try(ctx, r, *repo, full)
	return err
}

func (s sourced) Apply(ctx context.Context, h step.Host) error {
	p, repo, err := repositoryOf(ctx, h, s.host)
	if err != nil {
		return err
	}
	if repo == nil {
		return h.Run(ctx, append([]string{"rm", "-f"}, p.Packages.RepositoryPaths()...)...)
	}
	if err := s.try(ctx, h, p, repo, true); err != nil {
		return err
	}
	before, err := host.ReadAll(ctx, h, p.Packages.RepositoryPaths())
	if err != nil {
		return err
	}
	err = host.WriteFiles(ctx, h, p.Packages.RepositoryFiles(*repo))
	if err == nil {
		err = p.Packages.Refresh(ctx, h)
	}
	if err == nil {
		return nil
	}
	// Even if the run was stopped: a repository that does not work would make
	// every later use of the package manager fail.
	return errors.Join(err, host.PutBack(context.WithoutCancel(ctx), h, p.Packages.RepositoryPaths(), before))
}

// repositoryOf returns the host's platform and the repository that the
// inventory names for it; nil is the distribution's.
func repositoryOf(ctx context.Context, r step.Reader, host inventory.Host) (packages.Platform, *packages.Repository, error) {
	p, err := packages.PlatformOf(ctx, r, host.OS)
	if err != nil {
		return packages.Platform{}, nil, err
	}
	switch host.FRR.Source {
	case "upstream":
		return p, upstream(p, host.FRR.Series), nil
	case "mirror":
		repo := packages.Repository{Repository: host.FRR.Mirror.Apt, KeyPath: "frr.mirror.apt.key"}
		if p.Family == "el" {
			repo = packages.Repository{Repository: host.FRR.Mirror.RPM, KeyPath: "frr.mirror.rpm.key"}
		}
		if repo.URL == "" {
			return packages.Platform{}, nil, errNoMirror{p}
		}
		if repo.Key == "" {
			return packages.Platform{}, nil, errors.New("the key of the repository was not read") // CheckFiles comes before New
		}
		if p.Family == "debian" && repo.Suite == "" {
			repo.Suite = p.Codename
		}
		return p, &repo, nil
	}
	return p, nil, nil
}

// errNoMirror is an error with a hint.
type errNoMirror struct{ platform packages.Platform }

func (e errNoMirror) Error() string {
	return fmt.Sprintf("the inventory has no mirror for %s hosts", e.platform.Name)
}

func (e errNoMirror) Hint() string {
	kind := "apt"
	if e.platform.Family == "el" {
		kind = "rpm"
	}
	return fmt.Sprintf("add frr.mirror.%s, or give this host another frr.source", kind)
}

// repositoryDiff compares the host's files for the repository with what they
// must be.
func repositoryDiff(ctx context.Context, r step.Reader, p packages.Platform, repo *packages.Repository) (step.Diff, error) {
	if repo == nil {
		out, err := r.Query(ctx, assets.Script("present-files.sh", p.Packages.RepositoryPaths()...)...)
		var diff step.Diff
		for path := range strings.Lines(out) {
			diff = append(diff, step.Change{Item: strings.TrimSpace(path), Have: "another repository for FRR"})
		}
		return diff, err
	}
	want := *repo
	if want.Key == "" {
		// The project's own key: the one on the host is good if it is known.
		data, err := r.ReadFile(ctx, p.Packages.KeyPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if pinned(data, p.Family) == nil {
			want.Key = string(data)
		}
	}
	return host.DiffFiles(ctx, r, p.Packages.RepositoryFiles(want))
}

// offered returns the versions that Install would install of FRR's
// packages. What is not known yet is left out.
func offered(ctx context.Context, r step.Reader, p packages.Platform, repo *packages.Repository) (map[string]string, error) {
	diff, err := repositoryDiff(ctx, r, p, repo)
	if err != nil {
		return nil, err
	}
	if len(diff) == 0 {
		return p.Candidates(ctx, r, repo != nil)
	}
	// The distribution's: what the host knows now is of the repository that is
	// to go. Upstream: the key would have to be fetched.
	if repo == nil || repo.Key == "" {
		return nil, nil
	}
	return p.Packages.Try(ctx, r, *repo, false)
}
