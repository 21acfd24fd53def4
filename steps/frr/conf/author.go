package conf

import (
	"regexp"
	"strings"
)

// Header is the first line of every frr.conf that ipfabric writes. What stands
// before its colon says that the file is ipfabric's, whatever the number is: that
// is for a later ipfabric which has to tell apart what it finds. The rest is for
// people and may change.
const Header = "! ipfabric 1: changes made here are overwritten. Put lines of your own into frr.extra of the inventory."

var (
	markerRE = regexp.MustCompile(`^! ipfabric \d+:`)
	// oldMarker is how the first line began before it had a number.
	oldMarker = "! Written by ipfabric: changes made here are overwritten."
)

// Foreign says whether somebody else has put configuration into a frr.conf:
// it lacks ipfabric's first line and has more in it than a new package's.
func Foreign(data []byte) bool {
	if markerRE.Match(data) || strings.HasPrefix(string(data), oldMarker) {
		return false
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if counts(line) && !strings.HasPrefix(line, "log ") { // packages come with a log line
			return true
		}
	}
	return false
}
