package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
)

// A Client asks the agent of one node. It only reads; an Editor changes.
//
// An error that the agent itself gave, or its command line program on the node,
// is a *vm.Error with its code, text and hint, as errors.As finds it. It still
// has the exit status of the command. Any other error is the Reader's: 127 is an
// agent that is not installed. No error names the node.
type Client struct{ r step.Reader }

// NewClient returns the Client of the agent on the Reader's host.
func NewClient(r step.Reader) Client { return Client{r} }

// An Editor changes the VMs of one node by means of its agent.
type Editor struct {
	Client
	h step.Host
}

// NewEditor returns the Editor of the VMs on that host.
func NewEditor(h step.Host) Editor { return Editor{NewClient(h), h} }

// command calls the agent's program. The protocol number has the agent refuse
// what it would understand differently, and say which side is older. It also has
// it print errors as JSON.
func command(args ...string) []string {
	return slices.Concat([]string{Path}, args, []string{"--protocol", fmt.Sprint(vm.Protocol)})
}

// A saidError is the agent's own error, and that of the command that printed it.
type saidError struct {
	agent   *vm.Error
	command error
}

func (e saidError) Error() string   { return e.agent.Msg }
func (e saidError) Hint() string    { return e.agent.Next }
func (e saidError) Unwrap() []error { return []error{e.agent, e.command} }

// said takes the agent's own error out of the error of a command: what the
// operator is to read, without the command line.
func said(err error) error {
	if step.ExitStatus(err) <= 0 {
		return err
	}
	if e := vm.ParseError(step.SaidBy(err)); e != nil {
		return saidError{e, err}
	}
	return err
}

// Status is what `ipfabric-agent status --json` prints.
type Status struct{ vm.Status }

// Status asks how the agent and its node are. It is asked without a protocol
// number, as its answer can be read whatever the agent's is: CheckProtocol says
// what follows from it.
func (c Client) Status(ctx context.Context) (Status, error) {
	var s Status
	out, err := c.r.Query(ctx, Path, "status", "--json")
	if err != nil && out == "" {
		return s, said(err)
	}
	// An agent that is not healthy says so by its exit status too.
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("its status cannot be read: %v", err)
	}
	return s, nil
}

// CheckProtocol returns a *vm.Error that says which side is older if the agent
// has another protocol number than this program.
func (s Status) CheckProtocol() error { return vm.CheckProtocol(vm.Protocol, s.Protocol) }

// List returns the VMs of the node. Of a VM whose file cannot be used only the
// name is certain: FileError says why.
func (c Client) List(ctx context.Context) ([]vm.Observed, error) {
	out, err := c.r.Query(ctx, command("vm", "list", "--json")...)
	if err != nil {
		return nil, said(err)
	}
	vms, err := parseList(out)
	if err != nil {
		return nil, fmt.Errorf("the agent's list of VMs cannot be read: %v", err)
	}
	return vms, nil
}

// Show returns one VM of the node.
func (c Client) Show(ctx context.Context, name string) (vm.Observed, error) {
	out, err := c.r.Query(ctx, command("vm", "show", name, "--json")...)
	if err != nil {
		return vm.Observed{}, said(err)
	}
	vms, err := parseList("[" + out + "]")
	if err != nil || len(vms) != 1 {
		return vm.Observed{}, fmt.Errorf("the agent's answer about VM %s cannot be read", name)
	}
	return vms[0], nil
}

// parseList reads VMs as the agent prints them.
func parseList(out string) ([]vm.Observed, error) {
	var vms []vm.Observed
	if err := json.Unmarshal([]byte(out), &vms); err != nil {
		return nil, err
	}
	for i := range vms {
		v := &vms[i]
		if err := vm.CheckName(v.Name); err != nil {
			return nil, err
		}
		v.IPv4, v.IPv6 = v.IPv4.Unmap(), v.IPv6.Unmap()
		if len(v.Addrs()) == 0 { // no VM is without
			v.FileError = cmp.Or(v.FileError, v.Problem, "its file cannot be read")
		}
		if v.FileError != "" {
			v.Problem = cmp.Or(v.Problem, v.FileError)
		}
	}
	return vms, nil
}

func (e Editor) run(ctx context.Context, args ...string) error {
	return said(e.h.Run(ctx, command(args...)...))
}

// Add has the node route for a VM. To add it once more, as it is, does nothing.
func (e Editor) Add(ctx context.Context, v vm.VM) error {
	args := []string{"vm", "add", v.Name, "--json"} // without --json it fails for a VM that is added but has a problem
	if v.IPv4.IsValid() {
		args = append(args, "--ip", v.IPv4.String())
	}
	if v.IPv6.IsValid() {
		args = append(args, "--ip6", v.IPv6.String())
	}
	for _, a := range []struct{ flag, value string }{
		{"--mac", v.MAC.String()}, {"--interface", v.Interface}, {"--link", string(v.Link)},
		{"--owner", v.Owner}, {"--group", v.Group}, {"--phase", string(v.Phase)},
	} {
		if a.value != "" {
			args = append(args, a.flag, a.value)
		}
	}
	if v.MultiQueue {
		args = append(args, "--multiqueue")
	}
	return e.run(ctx, args...)
}

// Remove withdraws a VM and has the node forget it. One that is not there is no
// error.
func (e Editor) Remove(ctx context.Context, name string) error {
	return e.run(ctx, "vm", "remove", name, "--missing-ok")
}

// HandOver has the node forget a VM that another node announces by now: packets
// that still arrive are passed on to that node.
func (e Editor) HandOver(ctx context.Context, name string) error {
	return e.run(ctx, "vm", "remove", name, "--missing-ok", "--handover")
}

// SetPhase changes how the node announces a VM. From one phase with routes to
// another the agent adds the new ones before it removes the old.
func (e Editor) SetPhase(ctx context.Context, name string, phase vm.Phase) error {
	return e.run(ctx, "vm", "phase", name, string(phase))
}

// HintFor says what to do about an error of a node's Client: what its agent
// recommends, with the node's name where that helps. It is "" if there is
// nothing to say.
func HintFor(node string, err error) string {
	switch {
	case step.NotThere(err):
		return fmt.Sprintf("`ipfabric init --limit %s` installs it", node)
	case vm.CodeOf(err) == vm.AgentOlder:
		return fmt.Sprintf("`ipfabric init --limit %s` updates it", node)
	}
	return step.HintOf(err, "")
}
