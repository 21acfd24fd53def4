package steps

import (
	"fmt"
	"regexp"
	"strconv"
)

// A frrVersion is FRR's own version, without the package's.
type frrVersion struct{ Major, Minor int }

var versionRE = regexp.MustCompile(`^(?:\d+:)?(\d+)(?:\.(\d+))?`)

// parseFRRVersion reads a package version such as "8.4.4-1.1~deb12u2" or
// "10.3-1".
func parseFRRVersion(s string) (frrVersion, error) {
	m := versionRE.FindStringSubmatch(s)
	if m == nil {
		return frrVersion{}, fmt.Errorf("%q is no FRR version", s)
	}
	major, _ := strconv.Atoi(m[1]) // digits only
	minor, _ := strconv.Atoi(m[2]) // none in a series such as "10"
	return frrVersion{major, minor}, nil
}

// parseSeries reads a release line of FRR's repository. "7" has been 7.5 since
// that was its last.
func parseSeries(s string) (frrVersion, error) {
	if s == "7" {
		return oldestFRR, nil
	}
	return parseFRRVersion(s)
}

func (v frrVersion) atLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

func (v frrVersion) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// oldestFRR is the first version that ipfabric writes configuration for.
var oldestFRR = frrVersion{7, 5}
