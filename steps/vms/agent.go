package vms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/agent"
	"ipfabric/steps/step"
)

// listOn lists the VMs of a node. The error names the node.
func (c *Control) listOn(ctx context.Context, node string) (out []VM, err error) {
	err = c.askAgent(ctx, node, func(ctx context.Context, a agent.Client) error {
		vms, err := a.List(ctx)
		out = on(node, vms...)
		return err
	})
	return out, err
}

// askVM asks a node's agent for one VM. The error names the node.
func (c *Control) askVM(ctx context.Context, node, name string) (out VM, err error) {
	err = c.askAgent(ctx, node, func(ctx context.Context, a agent.Client) error {
		v, err := a.Show(ctx, name)
		out = VM{node, v}
		return err
	})
	return out, err
}

// on says of VMs on which node they are.
func on(node string, vms ...vm.Observed) []VM {
	var out []VM
	for _, v := range vms {
		out = append(out, VM{node, v})
	}
	return out
}

// askAgent asks a node's agent. The error names the node.
func (c *Control) askAgent(ctx context.Context, node string, ask func(context.Context, agent.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return c.tellAgent(ctx, node, func(a agent.Editor) error { return ask(ctx, a.Client) })
}

// tellAgent has a node's agent change something. The error names the node.
func (c *Control) tellAgent(ctx context.Context, node string, tell func(agent.Editor) error) error {
	h, err := c.Connect(ctx, node)
	if err != nil {
		return err
	}
	if err := c.whileAway(ctx, func() error { return tell(agent.NewEditor(h)) }); err != nil {
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
		return vm.CodeOf(err) != vm.NotRunning
	})
	return cmp.Or(err, stopped)
}

// agentError names the node, and says what to look at there.
func (c *Control) agentError(node string, err error) error {
	if step.NotThere(err) {
		return &Error{Kind: Unanswered, Msg: "the agent is not installed on " + node, Next: agent.HintFor(node, err)}
	}
	if step.NamesHost(err, node) {
		return err // of the connection
	}
	h, _ := c.Fabric.Host(node)
	status := c.Fabric.SSHLine(h.Host, agent.Path+" status")
	if said := (*vm.Error)(nil); errors.As(err, &said) {
		return &Error{Kind: kindOf(said.Code), Code: said.Code, Msg: node + ": " + said.Msg,
			Next: cmp.Or(agent.HintFor(node, err), "more: "+status)}
	}
	return &Error{Kind: Unanswered, Msg: node, Err: err, Next: cmp.Or(agent.HintFor(node, err), "see how its agent is: "+status)}
}

// kindOf says whether the agent refused, or gave no answer that can be used.
func kindOf(code vm.Code) ErrorKind {
	switch code {
	case vm.NotRunning, vm.NoPermission, vm.NoAnswer, vm.AgentOlder, vm.IpfabricOlder:
		return Unanswered
	}
	return Refused
}

// addVM tells the VM's node to route for it. Doing so again does nothing.
func (c *Control) addVM(ctx context.Context, v VM) error {
	return c.tellAgent(ctx, v.Node, func(a agent.Editor) error { return a.Add(ctx, v.VM) })
}

func (c *Control) removeVM(ctx context.Context, v VM) error {
	return c.tellAgent(ctx, v.Node, func(a agent.Editor) error { return a.Remove(ctx, v.Name) })
}

// handOver makes a node forget a VM that another node announces by now.
func (c *Control) handOver(ctx context.Context, v VM) error {
	return c.tellAgent(ctx, v.Node, func(a agent.Editor) error { return a.HandOver(ctx, v.Name) })
}

func (c *Control) setPhase(ctx context.Context, v VM, phase vm.Phase) error {
	return c.tellAgent(ctx, v.Node, func(a agent.Editor) error { return a.SetPhase(ctx, v.Name, phase) })
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
