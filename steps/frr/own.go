package frr

import (
	"context"
	"regexp"

	"ipfabric/assets"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// Where programs of FRR say their version: vtysh's help since 8.0, and each
// daemon by an option of its own.
var (
	helpVersionRE   = regexp.MustCompile(`\(version ([^)]+)\)`)
	daemonVersionRE = regexp.MustCompile(`(?m)^zebra version (\S+)`)
)

// ownVersion asks an FRR of the operator's own, which need not be a
// package. It need not run either.
func ownVersion(ctx context.Context, r step.Reader) (conf.Version, error) {
	out, err := r.Query(ctx, "vtysh", "--help")
	if step.NotThere(err) {
		return conf.Version{}, errNoFRR{}
	}
	if err != nil {
		return conf.Version{}, err
	}
	if m := helpVersionRE.FindStringSubmatch(out); m != nil {
		return conf.ParseVersion(m[1])
	}
	out, err = r.Query(ctx, assets.Script("zebra-version.sh")...)
	if err != nil && step.ExitStatus(err) < 0 {
		return conf.Version{}, err
	}
	m := daemonVersionRE.FindStringSubmatch(out)
	if m == nil {
		return conf.Version{}, errNoVersion{}
	}
	return conf.ParseVersion(m[1])
}

// errNoVersion is an error with a hint.
type errNoVersion struct{}

func (errNoVersion) Error() string { return "FRR does not tell its version" }

func (errNoVersion) Hint() string {
	return "neither `vtysh --help` nor `zebra --version` says it; zebra is looked for in /usr/lib/frr, in /usr/libexec/frr and in the path"
}

// pythonWhole says before FRR is installed that its frr-reload.py could not
// run: a Python that is there as a package and does not run is not mended by
// the installation. One that is not there comes with FRR.
func pythonWhole(ctx context.Context, r step.Reader, p packages.Platform) error {
	have, err := p.Packages.Installed(ctx, r, []string{"python3", "python3-minimal"})
	if err != nil || len(have) == 0 {
		return err
	}
	_, err = r.Query(ctx, "python3", "-c", "")
	if step.ExitStatus(err) >= 0 {
		return errNoReload{err}
	}
	return err
}
