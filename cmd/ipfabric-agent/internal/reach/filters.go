package reach

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/inventory/vm"
)

// filters finds chains of other programs that drop VMs' packets. iptables of
// today makes such chains, too (iptables-nft); those of the old iptables-legacy
// are not seen.
func (l *Look) filters(q Question, up []device) ([]vm.Finding, error) {
	vms := attached(q.VMs)
	if len(up) == 0 || len(vms) == 0 {
		return nil, nil
	}
	chains, err := l.tables.ListChainsOfTableFamily(nftables.TableFamilyUnspecified)
	if err != nil {
		return nil, err
	}
	rs := newRuleset(l.tables, chains)
	var out []vm.Finding
	for _, c := range chains {
		if !passesVMs(c) || c.Table.Name == firewall.TableName && c.Table.Family == nftables.TableFamilyINet {
			continue
		}
		found := judged{all: len(vms)}
		for i, v := range vms {
			found.add(rs, c, v, up)
			// Enough to name the culprit: a ruleset may have thousands of rules.
			if i >= 20 && rs.steps > 2_000_000 {
				break
			}
		}
		if rs.err != nil {
			return out, rs.err
		}
		out = append(out, found.findings(c, q)...)
	}
	return out, nil
}

// attached are the VMs whose interface is there. A guest is not needed: packets
// are only thought of.
func attached(vms []VM) []VM {
	return slices.DeleteFunc(slices.Clone(vms), func(v VM) bool { return v.Index == 0 })
}

// passesVMs says whether packets to or from VMs go through a base chain. NAT
// chains cannot have the policy drop and see the first packet only.
func passesVMs(c *nftables.Chain) bool {
	if c.Hooknum == nil || c.Type != nftables.ChainTypeFilter || c.Table == nil {
		return false
	}
	switch c.Table.Family {
	case nftables.TableFamilyIPv4, nftables.TableFamilyIPv6, nftables.TableFamilyINet:
	default:
		return false
	}
	switch *c.Hooknum {
	case *nftables.ChainHookPrerouting, *nftables.ChainHookForward, *nftables.ChainHookPostrouting:
		return true
	}
	return false
}

// judged is what a base chain does to VMs, by their names.
type judged struct {
	all                              int
	cutOff, noIn, noOut, unsure, any []string
}

// add follows four packets: of a connection to the VM, and of one that the VM
// makes, the first packet and the answer each. One address that has no
// connection is enough for the VM to be named.
func (j *judged) add(rs *ruleset, c *nftables.Chain, v VM, up []device) {
	worst := reachable
	for _, a := range v.Addrs {
		if a.Is4() && c.Table.Family == nftables.TableFamilyIPv6 || a.Is6() && c.Table.Family == nftables.TableFamilyIPv4 {
			continue
		}
		for _, d := range up {
			worst = max(worst, connections(rs, c, v, a, d))
		}
	}
	list := map[outcome]*[]string{cutOff: &j.cutOff, noIncoming: &j.noIn, noOutgoing: &j.noOut, unsure: &j.unsure, reachable: &j.any}
	*list[worst] = append(*list[worst], v.Name)
}

// An outcome says which connections of a VM a chain lets pass; higher is worse.
type outcome int

const (
	reachable outcome = iota
	unsure            // it depends on what cannot be judged
	noOutgoing
	noIncoming
	cutOff
)

func connections(rs *ruleset, c *nftables.Chain, v VM, a netip.Addr, up device) outcome {
	own := device{index: v.Index, name: v.Device}
	in := packet{iif: up, oif: own, dst: a}
	out := packet{iif: own, oif: up, src: a}
	follow := func(p packet, state uint32) fate {
		p.state, p.hook = state, *c.Hooknum
		return rs.base(c, p)
	}
	incoming := max(follow(in, stateNew), follow(out, stateEstablished))
	outgoing := max(follow(out, stateNew), follow(in, stateEstablished))
	switch {
	case incoming == drops && outgoing == drops:
		return cutOff
	case incoming == drops:
		return noIncoming
	case outgoing == drops:
		return noOutgoing
	case incoming == mayPass && outgoing == mayPass:
		return unsure
	}
	return reachable
}

// families are as nft calls them.
var families = map[nftables.TableFamily]string{
	nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet",
}

var hooks = map[nftables.ChainHook]string{
	unix.NF_INET_PRE_ROUTING: "prerouting", unix.NF_INET_FORWARD: "forward", unix.NF_INET_POST_ROUTING: "postrouting",
}

func (j *judged) findings(c *nftables.Chain, q Question) []vm.Finding {
	table := families[c.Table.Family] + " " + c.Table.Name
	chain := fmt.Sprintf("the chain %s of the nftables table %q (hook %s", c.Name, table, hooks[*c.Hooknum])
	if c.Policy != nil && *c.Policy == nftables.ChainPolicyDrop {
		chain += ", policy drop"
	}
	chain += ")"
	hint := letPass(c, q)
	var out []vm.Finding
	for _, x := range []struct {
		level vm.Level
		vms   []string
		what  string
	}{
		{vm.IsProblem, j.cutOff, "drops all packets to and from"},
		{vm.IsWarning, j.noIn, "drops new connections to"},
		{vm.IsWarning, j.noOut, "drops new connections from"},
		{vm.IsWarning, j.unsure, "may drop packets to and from"},
	} {
		if len(x.vms) == 0 {
			continue
		}
		slices.SortFunc(x.vms, cmp.Compare[string])
		out = append(out, vm.Finding{
			Code: vm.FilterDrops, Level: x.level, VMs: x.vms, Hint: hint,
			Text: fmt.Sprintf("%s %s %s", chain, x.what, ofVMs(x.vms, j.all)),
		})
	}
	return out
}

// letPass says how a chain is seen, and made to let VMs' packets pass.
func letPass(c *nftables.Chain, q Question) string {
	table := families[c.Table.Family] + " " + c.Table.Name
	var commands []string
	told := map[nftables.TableFamily]bool{}
	likewise := ""
	for _, pool := range q.Pools {
		family, tool := nftables.TableFamilyIPv4, "iptables"
		if pool.Addr().Is6() {
			family, tool = nftables.TableFamilyIPv6, "ip6tables"
		}
		if c.Table.Family != nftables.TableFamilyINet && c.Table.Family != family {
			continue
		}
		if told[family] {
			likewise = ", and likewise for the other pools"
			continue
		}
		told[family] = true
		for _, to := range []string{"saddr", "daddr"} {
			if c.Name == "FORWARD" && c.Table.Name == "filter" {
				commands = append(commands, fmt.Sprintf("%s -I FORWARD -%s %s -j ACCEPT", tool, to[:1], pool))
				continue
			}
			commands = append(commands, fmt.Sprintf("nft insert rule %s %s %s %s %s accept", table, c.Name, families[family], to, pool))
		}
	}
	hint := fmt.Sprintf("to see it: nft list chain %s %s", table, c.Name)
	if len(commands) == 0 {
		return hint
	}
	return hint + "; to let the pools pass until the next boot: " + strings.Join(commands, "; ") + likewise +
		"; to keep it, tell the program that made the chain (Docker: chain DOCKER-USER; ufw: ufw route allow)"
}
