package conf

import (
	"strings"

	"ipfabric/steps/step"
)

// ParseReloadTest reads what frr-reload.py --test prints: two headed lists of
// lines, to be deleted and to be added. A bfd block with nothing in it is no
// difference, and neither is a line that does not count.
func ParseReloadTest(out string) step.Diff {
	var diff step.Diff
	section := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		switch {
		case line == "Lines To Delete" || line == "Lines To Add":
			section = line
		case section == "" || strings.Trim(line, "=") == "" || !counts(line):
		case line == "bfd" || line == "no bfd":
		case section == "Lines To Delete":
			diff = append(diff, step.Change{Item: Running, Have: line})
		default:
			diff = append(diff, step.Change{Item: Running, Want: line})
		}
	}
	return diff
}
