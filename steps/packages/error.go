package packages

// errPackages is an error with a hint: the package manager did not do what it
// was asked to.
type errPackages struct {
	err  error
	hint string
}

func (e errPackages) Error() string { return e.err.Error() }
func (e errPackages) Hint() string  { return e.hint }

// Unwrap lets callers see the command's exit status.
func (e errPackages) Unwrap() error { return e.err }

// packageError adds what to do to an error of a package manager.
func packageError(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []struct {
		signs []string
		hint  string
	}{
		{[]string{"Could not get lock"}, "another package manager runs on the host, perhaps the unattended upgrades: wait until it has ended, then run init again"},
		{[]string{"is another process using it"}, "another package manager runs on the host: wait until it has ended, then run init again"},
		// dnf: "At least 30MB more space needed on the / filesystem"
		{[]string{"No space left", "enough free space", "needed on the"}, "make room on the host, then run init again"},
		{[]string{"dpkg was interrupted"}, "an earlier run of dpkg was cut off: run `dpkg --configure -a` on the host"},
		{[]string{"Held packages were changed"}, "FRR is held back on the host: `apt-mark unhold frr frr-pythontools` lets it be upgraded"},
		{[]string{"nmet dependencies"}, "the host's packages do not fit together: look at `apt-get check` on the host"},
		{[]string{"Unable to locate package"}, "do the host's package sources have FRR? Ubuntu has it in universe; else name another frr.source in the inventory"},
		{[]string{"Unable to find a match", "No match for argument"}, "do the host's package sources have FRR? On RHEL and its like it is in AppStream; else name another frr.source in the inventory"},
		{[]string{"Could not resolve"}, "the host cannot resolve names: where it has no way out, use frr.source: mirror or preinstalled"},
		{[]string{"Could not connect", "Failed to fetch", "Failed to download metadata"}, "may the host reach its package sources? Where it has no way out, use frr.source: mirror or preinstalled"},
		{[]string{"not signed"}, "the host does not trust its package sources: look at `apt-get update` on the host"},
		{[]string{"GPG check FAILED"}, "a package is not signed with the key of its repository: look at `dnf -v install frr` on the host"},
	} {
		if containsAny(err.Error(), known.signs...) {
			return errPackages{err, known.hint}
		}
	}
	return err
}
