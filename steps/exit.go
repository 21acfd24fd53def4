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

// saidBy is what a command that failed printed.
func saidBy(err error) string {
	var e interface{ Said() string }
	if errors.As(err, &e) {
		return e.Said()
	}
	return ""
}

// hintOf returns the hint that an error carries, or another one.
func hintOf(err error, otherwise string) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	return otherwise
}

// timedOutError says whether a command was ended by timeout(1).
func timedOutError(err error) bool { return exitStatus(err) == 124 }
