package conf

import (
	"slices"
	"strings"

	"ipfabric/steps/step"
)

// ChangesRoutes says whether a difference of Compare may change which routes a
// session sends or accepts. What is not known to leave them alone may.
func ChangesRoutes(diff step.Diff) bool {
	return slices.ContainsFunc(diff, func(c step.Change) bool { return !leavesRoutesAlone(c.Have + c.Want) })
}

// leavesRoutesAlone knows the lines of a neighbor that are about its session, of
// a neighbor that comes or goes, and of BFD.
func leavesRoutesAlone(line string) bool {
	parts := strings.Split(line, " | ")
	if parts[0] == "bfd" {
		return true
	}
	words := strings.Fields(parts[len(parts)-1])
	return strings.HasPrefix(parts[0], "router bgp ") && len(words) > 2 && words[0] == "neighbor" &&
		slices.Contains([]string{"bfd", "description", "password", "peer-group", "timers"}, words[2])
}

// RemovesPrefixes says whether a difference takes an entry out of a prefix list
// of that IP version, "4" or "6": then fewer routes are sent or accepted, as it is
// meant.
func RemovesPrefixes(diff step.Diff, version string) bool {
	list := map[string]string{"4": "ip prefix-list ", "6": "ipv6 prefix-list "}[version]
	return slices.ContainsFunc(diff, func(c step.Change) bool {
		return strings.HasPrefix(c.Have, list) && strings.Contains(c.Have, " permit ")
	})
}

// Deactivates says whether a difference takes an address family, as FRR names it
// ("l2vpn evpn"), away from a neighbor or peer group.
func Deactivates(diff step.Diff, family string) bool {
	return slices.ContainsFunc(diff, func(c step.Change) bool {
		return strings.Contains(c.Have, " | address-family "+family+" | ") && strings.HasSuffix(c.Have, " activate")
	})
}
