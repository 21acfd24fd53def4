package vms

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/agent"
	"ipfabric/steps/step"
)

// ListOn asks a node's agent for its VMs. The error is the agent's own, a
// *vm.Error, where it answered.
func ListOn(ctx context.Context, r step.Reader, node string) ([]VM, error) {
	out, err := r.Query(ctx, agentCommand("vm", "list", "--json")...)
	if said := agentSaid(err); said != nil {
		return nil, said
	}
	if err != nil {
		return nil, err
	}
	return parseList(node, out)
}

// askAgent lists the VMs of a node. The error names the node.
func (c *Control) askAgent(ctx context.Context, node string) ([]VM, error) {
	out, err := c.agentSays(ctx, node, "vm", "list", "--json")
	if err != nil {
		return nil, err
	}
	vms, err := parseList(node, out)
	if err != nil {
		return nil, c.agentError(node, err)
	}
	return vms, nil
}

// askVM asks a node's agent for one VM.
func (c *Control) askVM(ctx context.Context, node, name string) (VM, error) {
	out, err := c.agentSays(ctx, node, "vm", "show", name, "--json")
	if err != nil {
		return VM{}, err
	}
	vms, err := parseList(node, "["+out+"]")
	if err != nil || len(vms) != 1 {
		return VM{}, c.agentError(node, fmt.Errorf("the agent's answer about VM %s cannot be read", name))
	}
	return vms[0], nil
}

// agentCommand calls the agent's program. The protocol has it refuse what it
// would understand differently, and print errors as JSON.
func agentCommand(args ...string) []string {
	return slices.Concat([]string{agent.Path}, args, []string{"--protocol", fmt.Sprint(vm.Protocol)})
}

// agentSays asks a node's agent.
func (c *Control) agentSays(ctx context.Context, node string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err = c.toAgent(ctx, node, func(h step.Host) (err error) {
		out, err = h.Query(ctx, agentCommand(args...)...)
		return err
	})
	return out, err
}

// tellAgent has a node's agent change something.
func (c *Control) tellAgent(ctx context.Context, node string, args ...string) error {
	return c.toAgent(ctx, node, func(h step.Host) error { return h.Run(ctx, agentCommand(args...)...) })
}

// toAgent does something with a node's agent. The error names the node.
func (c *Control) toAgent(ctx context.Context, node string, do func(h step.Host) error) error {
	h, err := c.Connect(ctx, node)
	if err != nil {
		return err
	}
	if err := c.whileAway(ctx, func() error { return do(h) }); err != nil {
		return c.agentError(node, err)
	}
	return nil
}

// restartLimit is how long an agent may be away while it is restarted.
const restartLimit = 3 * time.Second

// whileAway asks an agent, and asks again while it does not run: it may be
// just restarted, by init or by systemd.
func (c *Control) whileAway(ctx context.Context, ask func() error) error {
	var err error
	_, stopped := c.await(ctx, min(restartLimit, c.limit()), func() bool {
		err = ask()
		said := agentSaid(err)
		return said == nil || said.Code != vm.NotRunning
	})
	return cmp.Or(err, stopped)
}

// agentError names the node, and says what to look at there.
func (c *Control) agentError(node string, err error) error {
	if step.NotThere(err) {
		return &Error{Kind: Unanswered, Msg: "the agent is not installed on " + node,
			Next: fmt.Sprintf("`ipfabric init --limit %s` installs it", node)}
	}
	if step.NamesHost(err, node) {
		return err // of the connection
	}
	h, _ := c.Fabric.Host(node)
	if said := agentSaid(err); said != nil {
		return &Error{Kind: kindOf(said.Code), Code: said.Code, Msg: node + ": " + said.Msg,
			Next: cmp.Or(HintFor(node, said), "more: "+c.Fabric.SSHLine(h.Host, agent.Path+" status"))}
	}
	return &Error{Kind: Unanswered, Msg: node, Err: err,
		Next: step.HintOf(err, "see how its agent is: "+c.Fabric.SSHLine(h.Host, agent.Path+" status"))}
}

// agentSaid takes the agent's own error out of an error of its client: what the
// operator is to read, without the command line. It is nil if there is none.
func agentSaid(err error) *vm.Error {
	if step.ExitStatus(err) <= 0 {
		return nil
	}
	return vm.ParseError(step.SaidBy(err))
}

// kindOf says whether the agent refused, or gave no answer that can be used.
func kindOf(code vm.Code) ErrorKind {
	switch code {
	case vm.NotRunning, vm.NoPermission, vm.NoAnswer, vm.AgentOlder, vm.IpfabricOlder:
		return Unanswered
	}
	return Refused
}

// HintFor is the agent's hint, with the node's name where it helps.
func HintFor(node string, e *vm.Error) string {
	if e.Code == vm.AgentOlder {
		return fmt.Sprintf("`ipfabric init --limit %s` updates it", node)
	}
	return e.Next
}

// addVM tells the VM's node to route for it. Doing so again does nothing.
func (c *Control) addVM(ctx context.Context, v VM) error {
	args := []string{"vm", "add", v.Name, "--json"} // without --json it fails for a VM that is added but has a problem
	for _, a := range []struct{ flag, value string }{
		{"--ip", orEmpty(v.IPv4)}, {"--ip6", orEmpty(v.IPv6)}, {"--mac", v.MAC.String()}, {"--interface", v.Interface},
		{"--link", string(v.Link)}, {"--owner", v.Owner}, {"--group", v.Group}, {"--phase", string(v.Phase)},
	} {
		if a.value != "" {
			args = append(args, a.flag, a.value)
		}
	}
	if v.MultiQueue {
		args = append(args, "--multiqueue")
	}
	return c.tellAgent(ctx, v.Node, args...)
}

func (c *Control) removeVM(ctx context.Context, v VM) error {
	return c.tellAgent(ctx, v.Node, "vm", "remove", v.Name, "--missing-ok")
}

// handOver makes a node forget a VM that another node announces by now.
func (c *Control) handOver(ctx context.Context, v VM) error {
	return c.tellAgent(ctx, v.Node, "vm", "remove", v.Name, "--missing-ok", "--handover")
}

// setPhase changes how a node announces a VM. From one phase with routes to
// another the agent adds the new ones before it removes the old.
func (c *Control) setPhase(ctx context.Context, v VM, phase vm.Phase) error {
	return c.tellAgent(ctx, v.Node, "vm", "phase", v.Name, string(phase))
}

// silentError says that not all hosts that had to be asked gave an answer.
func silentError(silent []Silent, format string, args ...any) error {
	names := silentNames(silent)
	verb := "does"
	if len(names) > 1 {
		verb = "do"
	}
	e := &Error{Kind: Unanswered, Silent: silent, Msg: fmt.Sprintf(format, args...) + ", and " + step.AndList(names) + " " + verb + " not answer"}
	e.Next = "put that right first, or take the host out of the inventory if it is gone for good"
	return e
}

// orEmpty is "" for no address.
func orEmpty(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// reflectors are the route reflectors that can be asked.
func (c *Control) reflectors(skip []string) []inventory.RouteReflector {
	var out []inventory.RouteReflector
	for _, r := range c.Fabric.RouteReflectors {
		if r.Managed && !slices.Contains(skip, r.Name) {
			out = append(out, r)
		}
	}
	return out
}
