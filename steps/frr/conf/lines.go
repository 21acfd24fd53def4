package conf

import "strings"

// counts says whether a line of FRR's, without the blanks around it, is
// configuration that ipfabric looks at. Comments, ends of blocks, what vtysh
// prints around a configuration, and what is the host's own do not count.
func counts(line string) bool {
	if line == "" || line[0] == '!' || line[0] == '#' {
		return false
	}
	switch line {
	case "exit", "end", "exit-address-family", "exit-vrf", "exit-vni",
		"Building configuration...", "Current configuration:",
		"service integrated-vtysh-config": // how vtysh stores files
		return false
	}
	// What the kernel forwards is set by sysctl, not here. zebra shows "no ip
	// forwarding" on a host that does not forward.
	what := strings.TrimPrefix(line, "no ")
	if what == "ip forwarding" || what == "ipv6 forwarding" {
		return false
	}
	for _, prefix := range []string{"frr version ", "frr defaults ", "hostname "} {
		if strings.HasPrefix(what, prefix) {
			return false
		}
	}
	return true
}
