package step

import "errors"

// ExitStatus returns the exit status of a remote command that ran and failed,
// or -1 for any other error.
func ExitStatus(err error) int {
	var e interface{ ExitStatus() int }
	if errors.As(err, &e) {
		return e.ExitStatus()
	}
	return -1
}

// NamesHost says whether an error is that there is no connection to that host.
// The text of such an error begins with the host's name.
func NamesHost(err error, host string) bool {
	var e interface{ UnreachedHost() string }
	return errors.As(err, &e) && e.UnreachedHost() == host
}

// NotThere says whether a command failed because it is not installed.
func NotThere(err error) bool { return ExitStatus(err) == 127 }

// SaidBy is what a command that failed printed.
func SaidBy(err error) string {
	var e interface{ Said() string }
	if errors.As(err, &e) {
		return e.Said()
	}
	return ""
}

// HintOf returns the hint that an error carries, or another one.
func HintOf(err error, otherwise string) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	return otherwise
}

// TimedOut says whether a command was ended by timeout(1).
func TimedOut(err error) bool { return ExitStatus(err) == 124 }

// RolledBack says whether a change was made and then taken back.
func RolledBack(err error) bool {
	var e interface{ RolledBack() bool }
	return errors.As(err, &e) && e.RolledBack()
}

// Refused says whether a change was refused for a reason that holds on other
// hosts too, before anything was touched.
func Refused(err error) bool {
	var e interface{ Refused() bool }
	return errors.As(err, &e) && e.Refused()
}
