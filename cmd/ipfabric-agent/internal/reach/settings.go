package reach

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"ipfabric/inventory/vm"
)

// sysctl reads one, "" if the kernel has none.
func (l *Look) sysctl(key string) string {
	data, err := os.ReadFile(filepath.Join(l.proc, key))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// settings finds sysctls of the uplinks that stop packets. Those of the whole
// node are in the engine's status, and the agent sets those of VMs' interfaces
// back by itself. net.ipv6.conf.IF.forwarding does not matter: the kernel
// forwards IPv6 by net.ipv6.conf.all.forwarding alone (ip6_forward).
func (l *Look) settings(q Question, up []device) []vm.Finding {
	var out []vm.Finding
	for _, d := range up {
		key := "ipv4/conf/" + d.name + "/forwarding"
		if q.IPv4 && l.sysctl(key) == "0" && l.sysctl("ipv4/ip_forward") == "1" {
			out = append(out, vm.Finding{
				Code: vm.UplinkForwarding, Level: vm.IsProblem,
				Text: fmt.Sprintf("%s is 0: IPv4 packets that arrive on %s are not passed on to VMs", sysctlName(key), d.name),
				Hint: setSysctl(key, "1"),
			})
		}
	}
	if !q.IPv6 {
		return out
	}
	lost := func(a netip.Addr) bool {
		return a.Is6() && !slices.ContainsFunc(up, func(d device) bool { return slices.Contains(d.reaches, a) })
	}
	if !slices.ContainsFunc(q.Peers, lost) {
		return out
	}
	for _, d := range up {
		key := "ipv6/conf/" + d.name + "/disable_ipv6"
		if l.sysctl(key) != "1" {
			continue
		}
		if all := "ipv6/conf/all/disable_ipv6"; l.sysctl(all) == "1" {
			key = all
		}
		out = append(out, vm.Finding{
			Code: vm.IPv6Disabled, Level: vm.IsProblem,
			Text: fmt.Sprintf("%s is 1: %s has no IPv6, so no IPv6 packet gets to VMs", sysctlName(key), d.name),
			Hint: setSysctl(key, "0") + "; then bring the addresses back: networkctl reconfigure " + d.name + ", or netplan apply",
		})
	}
	return out
}

// sysctlName is how sysctl(8) calls a key. An interface may have dots in its name.
func sysctlName(key string) string {
	if strings.Contains(key, ".") {
		return "net/" + key
	}
	return "net." + strings.ReplaceAll(key, "/", ".")
}

func setSysctl(key, value string) string {
	return fmt.Sprintf("sysctl -w %s=%s; what sets it at boot: grep -rs %s /etc/sysctl.conf /etc/sysctl.d", sysctlName(key), value, filepath.Base(key))
}

// conntrack finds a table of connections that has no room: then packets of new
// connections are dropped, VMs' among them, if anything on the node uses it.
func (l *Look) conntrack() []vm.Finding {
	count, err1 := strconv.Atoi(l.sysctl("netfilter/nf_conntrack_count"))
	limit, err2 := strconv.Atoi(l.sysctl("netfilter/nf_conntrack_max"))
	if err1 != nil || err2 != nil || limit <= 0 || count*10 < limit*9 {
		return nil
	}
	f := vm.Finding{
		Code: vm.ConntrackFull, Level: vm.IsWarning,
		Text: fmt.Sprintf("the table of connections is nearly full: %d of %d entries", count, limit),
		Hint: "sysctl -w net.netfilter.nf_conntrack_max=N with a larger N; or keep VMs' packets out of it (nft: notrack)",
	}
	// The last entries are taken and given back all the time.
	if count*100 >= limit*99 {
		f.Level = vm.IsProblem
		f.Text = fmt.Sprintf("the table of connections is full (%d of %d entries): the kernel drops packets of new connections", count, limit)
	}
	return []vm.Finding{f}
}
