package frr

import (
	"context"
	"fmt"

	"ipfabric/inventory"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// installed: FRR and its tools are installed, in a version that ipfabric
// can write configuration for.
type installed struct{ host inventory.Host }

func (s installed) String() string { return "FRR is installed" }

func (s installed) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	version, err := versionOf(ctx, r, s.host)
	if err != nil {
		return nil, err
	}
	if !version.AtLeast(conf.Oldest.Major, conf.Oldest.Minor) {
		return nil, errOldFRR{version}
	}
	if s.host.FRR.Source == "preinstalled" {
		return nil, canReload(ctx, r)
	}
	p, repo, err := repositoryOf(ctx, r, s.host)
	if err != nil {
		return nil, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil || len(packages.Missing(p.FRR, have)) == 0 {
		return nil, err
	}
	if err := pythonWhole(ctx, r, p); err != nil {
		return nil, err
	}
	if err := packages.HasSpace(ctx, r); err != nil {
		return nil, err
	}
	offered, err := offered(ctx, r, p, repo)
	if err != nil {
		return nil, err
	}
	var diff step.Diff
	for _, name := range packages.Missing(p.FRR, have) {
		want := offered[name]
		if want == "" {
			want = "about " + version.String()
		}
		if repo != nil {
			want += " from " + repo.Name()
		}
		diff = append(diff, step.Change{Item: "package " + name, Want: want})
	}
	return diff, nil
}

func (s installed) Apply(ctx context.Context, h step.Host) error {
	p, repo, err := repositoryOf(ctx, h, s.host)
	if err != nil {
		return err
	}
	have, err := p.Packages.Installed(ctx, h, p.FRR)
	if err != nil {
		return err
	}
	return p.Packages.Install(ctx, h, packages.Missing(p.FRR, have), repo != nil)
}

// errNoFRR is an error with a hint.
type errNoFRR struct{}

func (errNoFRR) Error() string {
	return "FRR is not there, and the inventory says that it is preinstalled"
}

func (errNoFRR) Hint() string {
	return "install FRR with vtysh in the path, or remove `source: preinstalled` from the inventory and ipfabric does it"
}

// errOldFRR is an error with a hint.
type errOldFRR struct{ version conf.Version }

func (e errOldFRR) Error() string {
	return fmt.Sprintf("FRR %s is too old: ipfabric writes configuration for %s and later", e.version, conf.Oldest)
}

func (e errOldFRR) Hint() string {
	return `take another FRR for this host, such as frr: {source: upstream, series: "10.3"} in the inventory`
}

// versionOf returns the version of the installed FRR, or of the one that
// would be installed.
func versionOf(ctx context.Context, r step.Reader, host inventory.Host) (conf.Version, error) {
	if host.FRR.Source == "preinstalled" {
		return ownVersion(ctx, r)
	}
	p, repo, err := repositoryOf(ctx, r, host)
	if err != nil {
		return conf.Version{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return conf.Version{}, err
	}
	if version := have[p.FRR[0]]; version != "" {
		return conf.ParseVersion(version)
	}
	offered, err := offered(ctx, r, p, repo)
	if err != nil {
		return conf.Version{}, err
	}
	switch version := offered[p.FRR[0]]; {
	case version != "":
		return conf.ParseVersion(version)
	case repo != nil && host.FRR.Series != "":
		return conf.ParseSeries(host.FRR.Series)
	}
	return conf.ParseVersion(p.FRRVersion) // a dry run before the package lists were ever fetched: the plan shows roughly what comes
}
