package vms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"ipfabric/steps/agent"
	"ipfabric/steps/step"
)

// interrupted says whether an error is for that the operator wants it.
func interrupted(ctx context.Context, err error) bool {
	return errors.Is(err, ErrInterrupted) || ctx.Err() != nil
}

// notAdded is the error of a node that was asked to add a VM. Unless its agent
// refused, it may have it.
func (c *Control) notAdded(v VM, err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == Refused {
		return err
	}
	return &Error{Kind: Unanswered, Msg: fmt.Sprintf("whether VM %s (%s) was added on %s is not known", v.Name, addrList(v.Addrs()), v.Node), Err: err,
		Next: fmt.Sprintf("`ipfabric vm show %s` says; to run the same command again does no harm", v.Name)}
}

// lost refuses to add a VM whose file an agent has lost, unless it is said what
// was in it: v is what the kernel still has of it.
func (r Request) lost(v VM) error {
	const format = "there is a VM %s on %s already: %s"
	if v.Node != r.Node {
		return refused(fmt.Sprintf("`ipfabric vm remove %s` first, or take another name", r.Name), format, r.Name, v.Node, v.Problem)
	}
	if r.pick4 || r.pick6 {
		return refused(fmt.Sprintf("to make its file anew, ask for the addresses that it had: --ip %s --ip6 %s",
			cmp.Or(orEmpty(v.IPv4), "ADDRESS"), cmp.Or(orEmpty(v.IPv6), "ADDRESS")), format, r.Name, v.Node, v.Problem)
	}
	return nil
}

// lostVM refuses an address that the VM's own node announces. It may be that
// very VM's, whose file the agent has lost, or another one's that it has lost:
// only the operator can tell.
func (c *Control) lostVM(v VM, a netip.Addr, p announcer) error {
	h, _ := c.Fabric.Host(v.Node)
	again := []string{agent.Path, "vm add", v.Name}
	for _, x := range v.Addrs() {
		flag := "--ip"
		if x.Is6() {
			flag = "--ip6"
		}
		again = append(again, flag, x.String())
	}
	if v.Link != "" {
		again = append(again, "--link", string(v.Link))
	}
	return refused("if it is "+v.Name+"'s, whose file the agent has lost, tell the agent: "+c.Fabric.SSHLine(h.Host, strings.Join(again, " ")),
		"%s is in use: it is %s", a, p.who)
}

// checkAddrsKnown refuses to choose addresses while there is a VM of which
// nobody knows which it has: it may have those that look free.
func (s survey) checkAddrsKnown() error {
	var names []string
	var first VM
	for _, v := range s.vms {
		if v.FileError == "" || len(v.Addrs()) > 0 {
			continue
		}
		if len(names) == 0 {
			first = v
		}
		names = append(names, v.Whose())
	}
	if len(names) == 0 {
		return nil
	}
	return refused(fmt.Sprintf("tell %s's agent what it had: `ipfabric vm add %s --node %s --ip ADDRESS --ip6 ADDRESS`; or `ipfabric vm remove %s`; or ask for addresses with --ip and --ip6",
		first.Node, first.Name, first.Node, first.Name),
		"nothing was added: the addresses of %s are not known (%s), and any that looks free may be among them", step.AndList(names), first.Problem)
}
