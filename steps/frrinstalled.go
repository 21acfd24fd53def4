package steps

import (
	"context"
	"fmt"

	"ipfabric/inventory"
)

// frrInstalled: FRR and its tools are installed, in a version that ipfabric
// can write configuration for.
type frrInstalled struct{ host inventory.Host }

func (s frrInstalled) String() string { return "FRR is installed" }

func (s frrInstalled) Check(ctx context.Context, r Reader) (Diff, error) {
	version, err := frrVersionOf(ctx, r, s.host)
	if err != nil {
		return nil, err
	}
	if !version.atLeast(oldestFRR.Major, oldestFRR.Minor) {
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
	if err != nil || len(missing(p.FRR, have)) == 0 {
		return nil, err
	}
	if err := pythonWhole(ctx, r, p); err != nil {
		return nil, err
	}
	if err := hasSpace(ctx, r); err != nil {
		return nil, err
	}
	offered, err := frrOffered(ctx, r, p, repo)
	if err != nil {
		return nil, err
	}
	var diff Diff
	for _, name := range missing(p.FRR, have) {
		want := offered[name]
		if want == "" {
			want = "about " + version.String()
		}
		if repo != nil {
			want += " from " + repo.name()
		}
		diff = append(diff, Change{Item: "package " + name, Want: want})
	}
	return diff, nil
}

func (s frrInstalled) Apply(ctx context.Context, h Host) error {
	p, repo, err := repositoryOf(ctx, h, s.host)
	if err != nil {
		return err
	}
	have, err := p.Packages.Installed(ctx, h, p.FRR)
	if err != nil {
		return err
	}
	return p.Packages.Install(ctx, h, missing(p.FRR, have), repo != nil)
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
type errOldFRR struct{ version frrVersion }

func (e errOldFRR) Error() string {
	return fmt.Sprintf("FRR %s is too old: ipfabric writes configuration for %s and later", e.version, oldestFRR)
}

func (e errOldFRR) Hint() string {
	return `take another FRR for this host, such as frr: {source: upstream, series: "10.3"} in the inventory`
}

// frrVersionOf returns the version of the installed FRR, or of the one that
// would be installed.
func frrVersionOf(ctx context.Context, r Reader, host inventory.Host) (frrVersion, error) {
	if host.FRR.Source == "preinstalled" {
		return ownFRRVersion(ctx, r)
	}
	p, repo, err := repositoryOf(ctx, r, host)
	if err != nil {
		return frrVersion{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return frrVersion{}, err
	}
	if version := have[p.FRR[0]]; version != "" {
		return parseFRRVersion(version)
	}
	offered, err := frrOffered(ctx, r, p, repo)
	if err != nil {
		return frrVersion{}, err
	}
	switch version := offered[p.FRR[0]]; {
	case version != "":
		return parseFRRVersion(version)
	case repo != nil && host.FRR.Series != "":
		return parseSeries(host.FRR.Series)
	}
	return parseFRRVersion(p.FRRVersion) // a dry run before the package lists were ever fetched: the plan shows roughly what comes
}
