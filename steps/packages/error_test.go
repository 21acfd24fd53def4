package packages

import (
	"errors"
	"strings"
	"testing"
)

func TestErrorsOfPackageManagersSayWhatToDo(t *testing.T) {
	for said, want := range map[string]string{
		"E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (unattended-upgr)":        "another package manager",
		"dpkg: error processing archive x (--unpack): cannot copy: failed to write (No space left on device)": "make room",
		"Error: Transaction test error: At least 30MB more space needed on the / filesystem":                  "make room",
		"E: Unable to locate package frr":                                         "universe",
		"Error: Unable to find a match: frr":                                      "AppStream",
		"Error: Failed to download metadata for repo 'x'":                         "mirror",
		"E: Failed to fetch http://x  Could not resolve 'x'":                      "cannot resolve names",
		"E: dpkg was interrupted, you must manually run 'dpkg'":                   "dpkg --configure -a",
		"frr-7.5.rpm is not signed\nError: GPG check FAILED":                      "does not trust",
		"Error: Public key for frr.rpm is not installed\nError: GPG check FAILED": "not signed with the key",
	} {
		err := packageError(errors.New(said))
		if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), want) {
			t.Errorf("%q: no hint with %q", said, want)
		}
	}
	if packageError(nil) != nil {
		t.Error("nothing is an error")
	}
	if err := errors.New("something else"); packageError(err) != err {
		t.Error("an unknown error was changed")
	}
}
