package conf

import (
	"slices"
	"strings"

	"ipfabric/steps/step"
)

// Running is the Item of a line in which the configuration that FRR runs differs.
const Running = "running configuration"

// Compare compares two FRR configurations as frr-reload.py does: as sets of
// lines, each with the block that it stands in. Order does not count, what
// needs one has a sequence number.
func Compare(running, want string) step.Diff {
	have, need := confLines(running), confLines(want)
	var diff step.Diff
	for _, line := range have {
		if _, ok := slices.BinarySearch(need, line); !ok {
			diff = append(diff, step.Change{Item: Running, Have: line})
		}
	}
	for _, line := range need {
		if _, ok := slices.BinarySearch(have, line); !ok {
			diff = append(diff, step.Change{Item: Running, Want: line})
		}
	}
	return diff
}

// confLines gives each line of a configuration, sorted, behind its block, as in
// "router bgp 65000 | address-family ipv4 unicast | neighbor RR4 activate".
// FRR indents what it shows by one blank for each level, and so does
// ipfabric; lines of frr.extra that are indented otherwise show up as a
// difference, which frr-reload.py then judges.
func confLines(conf string) []string {
	var out, blocks []string
	var depths []int
	for line := range strings.Lines(conf) {
		text := strings.TrimSpace(line)
		if !counts(text) {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, " "))
		for len(depths) > 0 && depths[len(depths)-1] >= depth {
			depths, blocks = depths[:len(depths)-1], blocks[:len(blocks)-1]
		}
		blocks, depths = append(blocks, text), append(depths, depth)
		// Blocks that FRR shows with nothing in them: 7.5 always, and once there
		// was something.
		if line := strings.Join(blocks, " | "); line != "line vty" && line != "bfd" {
			out = append(out, line)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
