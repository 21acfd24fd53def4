package steps

import "errors"

// exitStatus returns the exit status of a remote command that ran and failed,
// or -1 for any other error.
func exitStatus(err error) int {
	var e interface{ ExitStatus() int }
	if errors.As(err, &e) {
		return e.ExitStatus()
	}
	return -1
}

// NamesHost says whether an error is that there is no connection to that host. The text of such an
// error begins with the host's name.
func NamesHost(err error, host string) bool {
	var e interface{ UnreachedHost() string }
	return errors.As(err, &e) && e.UnreachedHost() == host
}

// notThere says whether a command failed because it is not installed.
func notThere(err error) bool { return exitStatus(err) == 127 }
