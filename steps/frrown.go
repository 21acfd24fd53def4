package steps

import (
	"context"
	"regexp"

	"ipfabric/assets"
)

// Where programs of FRR say their version: vtysh's help since 8.0, and each
// daemon by an option of its own.
var (
	helpVersionRE   = regexp.MustCompile(`\(version ([^)]+)\)`)
	daemonVersionRE = regexp.MustCompile(`(?m)^zebra version (\S+)`)
)

// ownFRRVersion asks an FRR of the operator's own, which need not be a
// package. It need not run either.
func ownFRRVersion(ctx context.Context, r Reader) (frrVersion, error) {
	out, err := r.Query(ctx, "vtysh", "--help")
	if notThere(err) {
		return frrVersion{}, errNoFRR{}
	}
	if err != nil {
		return frrVersion{}, err
	}
	if m := helpVersionRE.FindStringSubmatch(out); m != nil {
		return parseFRRVersion(m[1])
	}
	out, err = r.Query(ctx, assets.Script("zebra-version.sh")...)
	if err != nil && exitStatus(err) < 0 {
		return frrVersion{}, err
	}
	m := daemonVersionRE.FindStringSubmatch(out)
	if m == nil {
		return frrVersion{}, errNoVersion{}
	}
	return parseFRRVersion(m[1])
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
func pythonWhole(ctx context.Context, r Reader, p platform) error {
	have, err := p.Packages.Installed(ctx, r, []string{"python3", "python3-minimal"})
	if err != nil || len(have) == 0 {
		return err
	}
	_, err = r.Query(ctx, "python3", "-c", "")
	if exitStatus(err) >= 0 {
		return errNoReload{err}
	}
	return err
}
