package vms

import (
	"fmt"
	"net/netip"
	"slices"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
)

// A judge compares what the agents want with what the route reflectors have.
type judge struct {
	Observation
	nodes  map[string]*NodeFacts
	byAddr map[netip.Addr][]VM
	byName map[string][]VM
}

// Judge says of each node, of each of its VMs, and of the routes to the pools that
// are no VM's, what an operator should know. The order is the inventory's: of a
// node, then of its VMs by name, then its stray routes. Stray routes whose next
// hop is no node are at the end. A VM without findings is as it should be.
func Judge(o Observation) []Finding {
	j := judge{o, map[string]*NodeFacts{}, map[netip.Addr][]VM{}, map[string][]VM{}}
	for i := range o.Nodes {
		n := &o.Nodes[i]
		j.nodes[n.Node.Name] = n
		for _, v := range n.VMs {
			j.byName[v.Name] = append(j.byName[v.Name], v)
			for _, a := range v.Addrs() {
				j.byAddr[a] = append(j.byAddr[a], v)
			}
		}
	}
	var out []Finding
	strays := j.strays()
	for i := range o.Nodes {
		n := &o.Nodes[i]
		switch {
		case !n.Asked:
			continue
		case n.Err != nil:
			out = append(out, j.unknown(n, strays[n.Node.Name]))
			continue
		}
		out = append(out, j.ofNode(n)...)
		for _, v := range n.VMs {
			for _, f := range merge(j.ofVM(n, v)) {
				f.VM, f.Node = v.Name, v.Node
				out = append(out, f)
			}
		}
		out = append(out, j.strayFindings(strays[n.Node.Name])...)
	}
	return append(out, j.strayFindings(strays[""])...)
}

// ofVM is about one VM of a node.
func (j judge) ofVM(n *NodeFacts, v VM) []Finding {
	here, quiet := j.onNode(n, v)
	switch {
	case quiet != "":
		all := slices.Concat(j.leftBehind(v, quiet), here, j.clash(v), j.hijacks(v), j.copies(v))
		return append(all, Finding{Code: Resting, Status: OK, Text: quiet})
	case v.Announced:
		return slices.Concat(here, j.onReflectors(n, v), j.elsewhere(v))
	}
	return slices.Concat(here, j.clash(v), j.hijacks(v))
}

// onNode is about the interface and the routes on the VM's node. Quiet says why
// a VM is rightly not announced.
func (j judge) onNode(n *NodeFacts, v VM) (all []Finding, quiet string) {
	bad := func(code Code, format string, args ...any) []Finding {
		return []Finding{{Code: code, Status: Bad, Text: fmt.Sprintf(format, args...),
			Hint: "more: " + j.sshLine(n, agent.Path+" vm show "+v.Name)}}
	}
	switch want := len(v.Addrs()); {
	case v.FileError != "":
		return bad(FileLost, "%s", v.Problem), ""
	case v.Problem != "":
		return bad(AgentProblem, "%s", v.Problem), ""
	case v.Phase == PhaseWaiting || v.Phase == PhaseWithdrawn || v.Phase == PhaseOff:
		return nil, v.Hindrance()
	case n.Status.Drained && v.Routes == 0:
		return nil, v.Node + " is drained"
	case v.Unannounced != "" && n.oneTooMany(v):
		return []Finding{{Code: TooMany, Status: Bad, Text: "it is not announced: " + v.Unannounced,
			Hint: fmt.Sprintf("`ipfabric vm move %s --to` another node; or a larger max_prefixes below bgp: in the inventory, and `ipfabric init`", v.Name)}}, ""
	case v.Unannounced != "":
		return nil, v.Unannounced
	case !v.Present && v.Link == "existing":
		return []Finding{{Code: NoInterface, Status: Warn, Text: "its interface " + v.Interface + " is not there: is the guest off?",
			Hint: "the agent takes the interface up when the hypervisor makes it"}}, v.Hindrance()
	case !v.Present:
		return bad(NoInterface, "its interface %s is missing", v.Interface), ""
	case v.Routes < want:
		return bad(NoKernelRoute, "%d of its %d routes are in the kernel of %s", v.Routes, want, v.Node), ""
	case !v.Announced:
		return bad(NotAnnounced, "the agent of %s does not announce it", v.Node), ""
	case !v.Carrier:
		return []Finding{{Code: NoGuest, Status: Warn, Text: "no guest is attached to " + v.Interface + ": nothing answers for it",
			Hint: "start the guest, or take the VM's route back: " + j.sshLine(n, agent.Path+" vm phase "+v.Name+" withdrawn")}}, ""
	}
	return nil, ""
}

// onReflectors is about a VM that is announced: each reflector has it, with all
// communities.
func (j judge) onReflectors(n *NodeFacts, v VM) []Finding {
	var all []Finding
	for _, rr := range j.RRs {
		if rr.Err != nil {
			all = append(all, Finding{Code: RouteUnknown, Status: NotChecked, Text: "whether " + rr.RR.Name + " has it is not known: " + rr.silence()})
			continue
		}
		for _, a := range v.Addrs() {
			switch {
			case !rr.Carries(a):
			case !inventory.InPools(j.Fabric.Pools, a):
				so := "so FRR does not announce it"
				if rr.Routes.From(a, v.Node) {
					so = "so FRR does not announce it any more after the next init"
				}
				all = append(all, Finding{Code: OutsidePools, Status: Bad, Text: a.String() + " is in none of the fabric's pools, " + so,
					Hint: "add its network to the pools of the inventory, or give the VM another address"})
			case !rr.Routes.From(a, v.Node):
				if v.Carrier { // without one, it depends on the release of FRR
					all = append(all, j.missing(n, rr, a))
				}
			default:
				all = append(all, j.untagged(v, rr, a)...)
			}
		}
	}
	return all
}

func (j judge) missing(n *NodeFacts, rr View, a netip.Addr) Finding {
	node := n.Node.Name
	hint := fmt.Sprintf("are the sessions of %s well? What its FRR has: %s", node, j.sshLine(n, "vtysh -c '"+bgp.ShowRoute(a)+"'"))
	if why := n.frrTrouble(); why != "" {
		hint = fmt.Sprintf("first the FRR of %s: %s", node, why)
	}
	return Finding{RRs: []string{rr.RR.Name}, Code: NoRoute, Status: Bad, Text: fmt.Sprintf("no route to %s by %s", a, node), Hint: hint}
}

func (j judge) untagged(v VM, rr View, a netip.Addr) []Finding {
	var all []Finding
	for _, c := range j.Fabric.Communities {
		if !rr.Tagged[c].From(a, v.Node) {
			all = append(all, Finding{RRs: []string{rr.RR.Name}, Code: NoCommunity, Status: Bad,
				Text: fmt.Sprintf("the route to %s without the community %s: the core gateways drop it", a, c),
				Hint: fmt.Sprintf("`ipfabric plan --limit %s,%s` shows what is not as it should be in their FRR", v.Node, rr.RR.Name)})
		}
	}
	return all
}

// ofNode is about a node itself, as far as its VMs depend on it.
func (j judge) ofNode(n *NodeFacts) []Finding {
	var out []Finding
	// What the VMs' own findings say is not said again.
	own := *n
	own.Status.Problems = slices.DeleteFunc(slices.Clone(n.Status.Problems), func(p string) bool {
		return slices.ContainsFunc(n.VMs, func(v VM) bool { return v.Problem != "" && p == "VM "+v.Name+": "+v.Problem })
	})
	own.Status.Healthy = len(own.Status.Problems) == 0
	if f := JudgeAgent(j.Fabric, own); f.Status == Bad {
		out = append(out, f)
	}
	for _, f := range n.Status.Findings {
		if f.Code == vm.MaxPrefixes && f.Level == vm.IsWarning {
			out = append(out, Finding{Node: n.Node.Name, Code: NearLimit, Status: Warn, Text: f.Text, Hint: f.Hint})
		}
	}
	if why := n.frrTrouble(); why != "" {
		out = append(out, Finding{Node: n.Node.Name, Code: FRRDown, Status: Bad, Text: "FRR announces none of its VMs: " + why,
			Hint: "`ipfabric verify` looks at its FRR; there: " + j.sshLine(n, "systemctl status frr")})
	}
	return out
}

// oneTooMany says whether a VM is not announced because the node has as many VMs
// as route reflectors accept from it.
func (n *NodeFacts) oneTooMany(v VM) bool {
	return slices.ContainsFunc(n.Status.Findings, func(f vm.Finding) bool {
		return f.Code == vm.MaxPrefixes && slices.Contains(f.VMs, v.Name)
	})
}

// frrTrouble says what is wrong with the FRR of a node, "" if nothing is known.
func (n *NodeFacts) frrTrouble() string {
	if n.FRR != "" {
		return n.FRR
	}
	return n.Status.FRR.Error
}

// JudgeAgent says how the agent of a node is.
func JudgeAgent(f *inventory.Fabric, n NodeFacts) Finding {
	node := n.Node.Host
	bad := func(hint, text string) Finding {
		return Finding{Node: node.Name, Code: AgentUnhealthy, Status: Bad, Text: text, Hint: hint}
	}
	status := "more: " + f.SSHLine(node, agent.Path+" status")
	switch older := n.Status.CheckProtocol(); {
	case step.NotThere(n.StatusErr):
		return bad(agent.HintFor(node.Name, n.StatusErr), "the agent is not installed")
	case n.StatusErr != nil:
		return bad("what it says: "+f.SSHLine(node, "journalctl -u ipfabric-agent -n 50 --no-pager"), "the agent gives no answer: "+n.StatusErr.Error())
	case older != nil:
		return bad(agent.HintFor(node.Name, older), older.Error())
	case !n.Status.Healthy:
		return bad(status, "the agent is not healthy: "+step.Some(n.Status.Problems, "; "))
	case len(n.Status.Warnings) > 0:
		return Finding{Node: node.Name, Code: AgentWarning, Status: Warn, Text: step.Some(n.Status.Warnings, "; "), Hint: status}
	}
	return Finding{Node: node.Name, Code: agentHealthy, Status: OK}
}

// silence says why the VMs of a node are not known.
func (j judge) silence(n *NodeFacts) string {
	if n.Down != nil {
		return n.Node.Name + " cannot be reached"
	}
	if f := JudgeAgent(j.Fabric, *n); f.Status == Bad {
		return f.Text
	}
	return "its agent does not list them: " + n.Err.Error()
}

func (j judge) sshLine(n *NodeFacts, command string) string {
	return j.Fabric.SSHLine(n.Node.Host, command)
}
