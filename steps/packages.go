package steps

import (
	"context"
	"fmt"

	"ipfabric/inventory"
)

// oldestFRR is the first version that ipfabric writes configuration for.
var oldestFRR = frrVersion{7, 5}

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
	p, err := platformOf(ctx, r, s.host.OS)
	if err != nil {
		return nil, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return nil, err
	}
	var diff Diff
	for _, name := range missing(p.FRR, have) {
		candidate, err := p.Packages.Candidate(ctx, r, name)
		if err != nil {
			return nil, err
		}
		if candidate == "" {
			candidate = "the distribution's, about " + version.String()
		}
		diff = append(diff, Change{Item: "package " + name, Want: candidate})
	}
	return diff, nil
}

func (s frrInstalled) Apply(ctx context.Context, h Host) error {
	p, err := platformOf(ctx, h, s.host.OS)
	if err != nil {
		return err
	}
	have, err := p.Packages.Installed(ctx, h, p.FRR)
	if err != nil {
		return err
	}
	return p.Packages.Install(ctx, h, missing(p.FRR, have))
}

// errOldFRR is an error with a hint.
type errOldFRR struct{ version frrVersion }

func (e errOldFRR) Error() string {
	return fmt.Sprintf("FRR %s is too old: ipfabric writes configuration for %s and later", e.version, oldestFRR)
}

func (e errOldFRR) Hint() string {
	return `take another FRR for this host, such as frr: {source: upstream, series: "10.3"} in the inventory`
}

// errNoFRR is an error with a hint.
type errNoFRR struct{}

func (errNoFRR) Error() string {
	return "FRR is not there, and the inventory says that it is preinstalled"
}

func (errNoFRR) Hint() string {
	return "install FRR with vtysh in the path, or remove `source: preinstalled` from the inventory and ipfabric does it"
}

// frrVersionOf returns the version of the installed FRR, or of the one that
// would be installed.
func frrVersionOf(ctx context.Context, r Reader, host inventory.Host) (frrVersion, error) {
	if host.FRR.Source == "preinstalled" {
		return ownFRRVersion(ctx, r)
	}
	p, err := platformOf(ctx, r, host.OS)
	if err != nil {
		return frrVersion{}, err
	}
	have, err := p.Packages.Installed(ctx, r, p.FRR)
	if err != nil {
		return frrVersion{}, err
	}
	version := have[p.FRR[0]]
	if version == "" {
		if version, err = p.Packages.Candidate(ctx, r, p.FRR[0]); err != nil {
			return frrVersion{}, err
		}
	}
	if version == "" { // a dry run before the package lists were ever fetched: the plan shows roughly what comes
		return p.FRRVersion, nil
	}
	return parseFRRVersion(version)
}

// ownFRRVersion asks an FRR of the operator's own, which need not be a
// package: "vtysh version 8.4.4".
func ownFRRVersion(ctx context.Context, r Reader) (frrVersion, error) {
	out, err := r.Query(ctx, "vtysh", "--version")
	if notThere(err) {
		return frrVersion{}, errNoFRR{}
	}
	if err != nil {
		return frrVersion{}, err
	}
	var version string
	if _, err := fmt.Sscanf(out, "vtysh version %s", &version); err != nil {
		return frrVersion{}, fmt.Errorf("`vtysh --version` says %q", out)
	}
	return parseFRRVersion(version)
}
