package vms

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/step"
)

// AskStatus lists the VMs of a node. The error names the node.
func (c *Control) askAgent(ctx context.Context, node string) ([]VM, error) {
	out, err := c.agentSays(ctx, node, "vm", "list", "--json")
	if err != nil {
		return nil, err
	}
	vms, err := ParseList(node, out)
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
	vms, err := ParseList(node, "["+out+"]")
	if err != nil || len(vms) != 1 {
		return VM{}, c.agentError(node, fmt.Errorf("the agent's answer about VM %s cannot be read", name))
	}
	return vms[0], nil
}

// agentSays asks a node's agent.
func (c *Control) agentSays(ctx context.Context, node string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err = c.toAgent(ctx, node, func(h step.Host) (err error) {
		out, err = h.Query(ctx, append([]string{agent.Path}, args...)...)
		return err
	})
	return out, err
}

// tellAgent has a node's agent change something.
func (c *Control) tellAgent(ctx context.Context, node string, args ...string) error {
	return c.toAgent(ctx, node, func(h step.Host) error { return h.Run(ctx, append([]string{agent.Path}, args...)...) })
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
		msg, _, _ := agentSaid(err)
		return !strings.HasPrefix(msg, "the agent is not running")
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
	if msg, hint, ok := agentSaid(err); ok {
		kind := Refused
		if agentIsSilent(msg) {
			kind = Unanswered
		}
		return &Error{Kind: kind, Msg: node + ": " + msg,
			Next: cmp.Or(hint, "more: "+c.Fabric.SSHLine(h.Host, agent.Path+" status"))}
	}
	return &Error{Kind: Unanswered, Msg: node, Err: err,
		Next: step.HintOf(err, "see how its agent is: "+c.Fabric.SSHLine(h.Host, agent.Path+" status"))}
}

// agentSaid takes the agent's own sentence, and its hint, out of an error of its
// client: what the operator is to read, without the command that ended so.
func agentSaid(err error) (msg, hint string, ok bool) {
	if step.ExitStatus(err) <= 0 {
		return "", "", false
	}
	_, said, ok := strings.Cut("\n"+step.SaidBy(err), "\nipfabric-agent: ")
	msg, hint, _ = strings.Cut(said, "\nhint: ")
	return strings.TrimSpace(msg), strings.TrimSpace(hint), ok && msg != ""
}

// agentIsSilent says whether the sentence is the client's, as the agent itself
// gave no answer.
func agentIsSilent(msg string) bool {
	return strings.HasPrefix(msg, "the agent") || strings.HasPrefix(msg, "socket ")
}

// addVM tells the VM's node to route for it. Doing so again does nothing.
func (c *Control) addVM(ctx context.Context, v VM) error {
	args := []string{"vm", "add", v.Name, "--json"} // without --json it fails for a VM that is added but has a problem
	for _, a := range []struct{ flag, value string }{
		{"--ip", orEmpty(v.IPv4)}, {"--ip6", orEmpty(v.IPv6)}, {"--mac", v.MAC}, {"--interface", v.Interface},
		{"--link", v.Link}, {"--owner", v.Owner}, {"--group", v.Group}, {"--phase", v.Phase},
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
func (c *Control) setPhase(ctx context.Context, v VM, phase string) error {
	return c.tellAgent(ctx, v.Node, "vm", "phase", v.Name, phase)
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
