package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// frrSourced: the repository that FRR comes from is known to the host, and no
// other one of ours is. It is tried out before anything of it is put in
// place, so that one that does not work leaves the host as it is.
type frrSourced struct {
	host inventory.Host
	keys *upstreamKeys
}

func (s frrSourced) String() string { return "FRR's package repository is set up" }

func (s frrSourced) Check(ctx context.Context, r Reader) (Diff, error) {
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
func (s frrSourced) try(ctx context.Context, r Reader, p platform, repo *repository, full bool) (err error) {
	if repo.Key == "" {
		if repo.Key, err = s.keys.of(ctx, p.Family); err != nil {
			return err
		}
	}
	_, err = p.Packages.Try(ctx, r, *repo, full)
	return err
}

func (s frrSourced) Apply(ctx context.Context, h Host) error {
	p, repo, err := repositoryOf(ctx, h, s.host)
	if err != nil {
		return err
	}
	if repo == nil {
		return h.Run(ctx, append([]string{"rm", "-f"}, p.Packages.repositoryPaths()...)...)
	}
	if err := s.try(ctx, h, p, repo, true); err != nil {
		return err
	}
	before, err := readAll(ctx, h, p.Packages.repositoryPaths())
	if err != nil {
		return err
	}
	err = writeFiles(ctx, h, p.Packages.repositoryFiles(*repo))
	if err == nil {
		err = p.Packages.Refresh(ctx, h)
	}
	if err == nil {
		return nil
	}
	// Even if the run was stopped: a repository that does not work would make
	// every later use of the package manager fail.
	return errors.Join(err, putBack(context.WithoutCancel(ctx), h, p.Packages.repositoryPaths(), before))
}

// repositoryOf returns the host's platform and the repository that the
// inventory names for it; nil is the distribution's.
func repositoryOf(ctx context.Context, r Reader, host inventory.Host) (platform, *repository, error) {
	p, err := platformOf(ctx, r, host.OS)
	if err != nil {
		return platform{}, nil, err
	}
	switch host.FRR.Source {
	case "upstream":
		return p, upstream(p, host.FRR.Series), nil
	case "mirror":
		repo := repository{Repository: host.FRR.Mirror.Apt, keyPath: "frr.mirror.apt.key"}
		if p.Family == "el" {
			repo = repository{Repository: host.FRR.Mirror.RPM, keyPath: "frr.mirror.rpm.key"}
		}
		if repo.URL == "" {
			return platform{}, nil, errNoMirror{p}
		}
		if repo.Key == "" {
			return platform{}, nil, errors.New("the key of the repository was not read") // CheckFiles comes before New
		}
		if p.Family == "debian" && repo.Suite == "" {
			repo.Suite = p.Codename
		}
		return p, &repo, nil
	}
	return p, nil, nil
}

// errNoMirror is an error with a hint.
type errNoMirror struct{ platform platform }

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
func repositoryDiff(ctx context.Context, r Reader, p platform, repo *repository) (Diff, error) {
	if repo == nil {
		out, err := r.Query(ctx, assets.Script("present-files.sh", p.Packages.repositoryPaths()...)...)
		var diff Diff
		for path := range strings.Lines(out) {
			diff = append(diff, Change{Item: strings.TrimSpace(path), Have: "another repository for FRR"})
		}
		return diff, err
	}
	want := *repo
	if want.Key == "" {
		// The project's own key: the one on the host is good if it is known.
		data, err := r.ReadFile(ctx, p.Packages.keyPath())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if pinned(data, p.Family) == nil {
			want.Key = string(data)
		}
	}
	return diffFiles(ctx, r, p.Packages.repositoryFiles(want))
}

// frrOffered returns the versions that Install would install of FRR's
// packages. What is not known yet is left out.
func frrOffered(ctx context.Context, r Reader, p platform, repo *repository) (map[string]string, error) {
	diff, err := repositoryDiff(ctx, r, p, repo)
	if err != nil {
		return nil, err
	}
	if len(diff) == 0 {
		return p.candidates(ctx, r, repo != nil)
	}
	// The distribution's: what the host knows now is of the repository that is
	// to go. Upstream: the key would have to be fetched.
	if repo == nil || repo.Key == "" {
		return nil, nil
	}
	return p.Packages.Try(ctx, r, *repo, false)
}
