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

// notThere says whether a command failed because it is not installed.
func notThere(err error) bool { return exitStatus(err) == 127 }
