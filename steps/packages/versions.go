package packages

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"ipfabric/steps/step"
)

// installedVersions reads lines of "installed", a package and its version.
func installedVersions(out string) map[string]string {
	have := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "installed" {
			have[f[1]] = f[2]
		}
	}
	return have
}

// spaceNeeded is what FRR and what it depends on take, with room to unpack.
const spaceNeeded = 150 // MB

// HasSpace says that a disk is full before it is: a package manager that runs
// out of space halfway leaves a host with half a package.
func HasSpace(ctx context.Context, r step.Reader) error {
	out, err := r.Query(ctx, "df", "-P", "-m", "/usr", "/var", "/etc")
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) < 6 || f[0] == "Filesystem" {
			continue
		}
		if free, err := strconv.Atoi(f[3]); err == nil && free < spaceNeeded {
			return errNoSpace{f[5], free}
		}
	}
	return nil
}

// errNoSpace is an error with a hint.
type errNoSpace struct {
	dir  string
	free int
}

func (e errNoSpace) Error() string {
	return fmt.Sprintf("there is no room for FRR's packages: %s has %d MB free, %d are needed", e.dir, e.free, spaceNeeded)
}

func (e errNoSpace) Hint() string { return "make room on the host, then run init again" }
