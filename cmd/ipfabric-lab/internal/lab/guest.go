package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"al.essio.dev/pkg/shellescape"

	"ipfabric/cmd/ipfabric-lab/internal/guest"
	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/image"
	"ipfabric/cmd/ipfabric-lab/internal/machine"
	"ipfabric/cmd/ipfabric-lab/internal/plan"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/vms"
)

// GuestOptions say what guest a VM gets.
type GuestOptions struct {
	Kind    guest.Kind
	Flavour guest.Flavour // "" is what suits the VM
	// IPv4 and IPv6 are those of a VM that nobody has added: the guest's own
	// configuration makes the node's agent add it. Not of kind NS.
	IPv4, IPv6 netip.Addr
}

func (o GuestOptions) ownVM() bool { return o.IPv4.IsValid() || o.IPv6.IsValid() }

// AddGuest starts a guest for a VM on a node. The VM has been added to that
// node, or to another one from where it is about to move.
func (l *Lab) AddGuest(ctx context.Context, node, name string, o GuestOptions) error {
	if err := vms.CheckName(name); err != nil {
		return err
	}
	m, err := l.node(node)
	if err != nil {
		return err
	}
	if r, err := image.FindRelease(m.OS); err == nil && r.RPM() && o.Kind != guest.NS {
		return hint.Add(fmt.Errorf("%s: guests of kind %s are installed from Debian's packages, and %s is %s", m.Name, o.Kind, m.Name, m.OS),
			"use --kind ns, or a node with another system")
	}
	f, err := l.fabric()
	if err != nil {
		return err
	}
	var vm vms.VM
	if o.ownVM() {
		vm, err = ownVM(f, m.Name, name, o)
	} else {
		vm, err = l.findVM(ctx, m, name)
	}
	if err != nil {
		return err
	}
	s, err := guestSpec(f, vm, o)
	if err != nil {
		return err
	}
	say := func(format string, args ...any) { l.Say(m.Name+": "+format, args...) }
	if err := guest.Add(ctx, l.shell(m), s, say); err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	l.Say("%s: guest of VM %s runs behind %s", m.Name, vm.Name, vm.Interface)
	return nil
}

// ownVM is the VM that the agent makes of a guest's own configuration.
func ownVM(f *inventory.Fabric, node, name string, o GuestOptions) (vms.VM, error) {
	vm := vms.VM{Observed: vm.Observed{VM: vm.VM{Name: name, IPv4: o.IPv4, IPv6: o.IPv6, Interface: guest.OwnInterface(name), Link: vm.Tap}}}
	want := "kvm"
	if o.Kind == guest.LXD {
		vm.Link, want = "existing", "lxd"
	}
	for _, n := range f.Nodes {
		if n.Name == node && n.Virtualization != want {
			return vm, hint.Add(fmt.Errorf("%s is a node with virtualization: %s, so its agent does not look at guests of kind %s", node, n.Virtualization, o.Kind),
				"write virtualization: %s for %s in fabric.yaml, then `ipfabric init`", want, node)
		}
	}
	return vm, nil
}

// guestSpec is the guest that a VM gets: with the settings that `ipfabric vm
// show` prints for it.
func guestSpec(f *inventory.Fabric, vm vms.VM, o GuestOptions) (guest.Spec, error) {
	s := guest.Spec{VM: vm.Name, Kind: o.Kind, Flavour: o.Flavour, Interface: vm.Interface, MAC: vm.MAC.String()}
	existing := vm.Link == "existing"
	if o.ownVM() {
		s.Metadata = guest.NewMetadata(o.IPv4, o.IPv6)
	}
	switch {
	case o.Kind == guest.QEMU && existing:
		return s, hint.Add(fmt.Errorf("VM %s has no tap, and a virtual machine needs one", vm.Name),
			"add the VM without --link existing")
	case (o.Kind == guest.LXD || s.Flavour == guest.Veth) && !existing:
		return s, hint.Add(fmt.Errorf("VM %s has a tap, which the agent makes: a veth cannot be its interface", vm.Name),
			"add the VM with --link existing; for one with a tap leave --flavour out, or take --kind qemu")
	case s.Flavour == "" && existing:
		s.Flavour = guest.Veth
	case s.Flavour == "":
		s.Flavour = guest.Tap
	}
	s.MakeTap = s.Flavour == guest.Tap && existing
	for _, g := range vms.GuestSettingsOf(f, vm, "eth0") {
		if g.Format == "ip" {
			s.Settings = g.Text
		}
	}
	return s, nil
}

// findVM asks the node's agent for a VM, and the other nodes' if it has none:
// the VM may be about to move.
func (l *Lab) findVM(ctx context.Context, m *machine.Machine, name string) (vms.VM, error) {
	nodes, err := l.runningNodes()
	if err != nil {
		return vms.VM{}, err
	}
	found := make([]vms.VM, len(nodes))
	errs := make([]error, len(nodes))
	onEach(nodes, func(i int, n *machine.Machine) { found[i], errs[i] = l.askAgent(ctx, n, name) })
	i := slices.IndexFunc(nodes, func(n *machine.Machine) bool { return n.Name == m.Name })
	if i >= 0 && (errs[i] != nil || found[i].Name != "") {
		return found[i], errs[i]
	}
	for _, vm := range found {
		if vm.Name != "" {
			return vm, nil
		}
	}
	return vms.VM{}, hint.Add(fmt.Errorf("no node has a VM %s", name),
		"add it first: ipfabric -f %s vm add %s --node %s", l.path("fabric.yaml"), name, m.Name)
}

// askAgent asks the agent of a node for a VM. The VM has no name if the agent
// has none of that name.
func (l *Lab) askAgent(ctx context.Context, m *machine.Machine, name string) (vms.VM, error) {
	out, err := l.shell(m)(ctx, "ipfabric-agent vm list --json", "")
	if err != nil {
		return vms.VM{}, hint.Add(fmt.Errorf("%s: its agent does not answer: %w", m.Name, err),
			"`ipfabric -f %s init` installs it", l.path("fabric.yaml"))
	}
	var all []vms.VM
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		return vms.VM{}, fmt.Errorf("%s: its agent's list of VMs cannot be read: %v", m.Name, err)
	}
	for _, vm := range all {
		if vm.Name == name {
			return vm, nil
		}
	}
	return vms.VM{}, nil
}

// A NodeGuest is a guest and where it is.
type NodeGuest struct {
	guest.Guest
	Node string `json:"node"`
}

// Guests lists the guests of all nodes that run.
func (l *Lab) Guests(ctx context.Context) ([]NodeGuest, error) {
	nodes, err := l.runningNodes()
	if err != nil {
		return nil, err
	}
	lists := make([][]guest.Guest, len(nodes))
	errs := make([]error, len(nodes))
	onEach(nodes, func(i int, n *machine.Machine) {
		if lists[i], errs[i] = guest.List(ctx, l.shell(n)); errs[i] != nil {
			errs[i] = fmt.Errorf("%s: %w", n.Name, errs[i])
		}
	})
	out := []NodeGuest{}
	for i, n := range nodes {
		for _, g := range lists[i] {
			out = append(out, NodeGuest{g, n.Name})
		}
	}
	return out, errors.Join(errs...)
}

// RemoveGuest ends the guest of a VM on a node. The VM stays.
func (l *Lab) RemoveGuest(ctx context.Context, node, name string) error {
	m, err := l.node(node)
	if err != nil {
		return err
	}
	err = guest.Remove(ctx, l.shell(m), name)
	if errors.Is(err, guest.ErrNone) {
		return hint.Add(fmt.Errorf("%s: VM %s has no guest there", m.Name, name), "`ipfabric-lab guest list` lists them")
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.Name, err)
	}
	l.Say("%s: guest of VM %s removed", m.Name, name)
	return nil
}

// node returns the machine of that name, which must be a node that runs.
func (l *Lab) node(name string) (*machine.Machine, error) {
	m, err := l.Machine(name)
	if err != nil {
		return nil, err
	}
	if m.Role != plan.Node {
		return nil, hint.Add(fmt.Errorf("%s is no node: guests run on nodes", m.Name), "`ipfabric-lab list` has the roles")
	}
	return m, l.CheckReachable(m)
}

func (l *Lab) runningNodes() ([]*machine.Machine, error) {
	all, err := l.Machines()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(m *machine.Machine) bool { return m.Role != plan.Node || !m.Running() }), nil
}

// onEach does something for all machines at once.
func onEach(machines []*machine.Machine, do func(int, *machine.Machine)) {
	var wg sync.WaitGroup
	for i, m := range machines {
		wg.Add(1)
		go func() { defer wg.Done(); do(i, m) }()
	}
	wg.Wait()
}

// shell runs scripts on a machine as root.
func (l *Lab) shell(m *machine.Machine) guest.Shell {
	return func(ctx context.Context, script, stdin string, args ...string) (string, error) {
		line := "exec sh -c " + shellescape.QuoteCommand(append([]string{script, "sh"}, args...))
		argv := l.SSHArgs(m, line)
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		var out, errout bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errout
		err := cmd.Run()
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if said := strings.TrimSpace(errout.String()); err != nil && said != "" {
			return "", errors.New(said)
		}
		return out.String(), err
	}
}
