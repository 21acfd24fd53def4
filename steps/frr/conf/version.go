package conf

import (
	"fmt"
	"regexp"
	"strconv"
)

// A Version is FRR's own version, without the package's.
type Version struct{ Major, Minor int }

var versionRE = regexp.MustCompile(`^(?:\d+:)?(\d+)(?:\.(\d+))?`)

// ParseVersion reads a package version such as "8.4.4-1.1~deb12u2" or
// "10.3-1".
func ParseVersion(s string) (Version, error) {
	m := versionRE.FindStringSubmatch(s)
	if m == nil {
		return Version{}, fmt.Errorf("%q is no FRR version", s)
	}
	major, _ := strconv.Atoi(m[1]) // digits only
	minor, _ := strconv.Atoi(m[2]) // none in a series such as "10"
	return Version{major, minor}, nil
}

// ParseSeries reads a release line of FRR's repository. "7" has been 7.5 since
// that was its last.
func ParseSeries(s string) (Version, error) {
	if s == "7" {
		return Oldest, nil
	}
	return ParseVersion(s)
}

// AtLeast says whether the version is that one or a later one.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Oldest is the first version that ipfabric writes configuration for.
var Oldest = Version{7, 5}
