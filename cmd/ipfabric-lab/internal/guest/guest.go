package guest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

// A Shell runs a script with /bin/sh as root of a node, with arguments and
// standard input, and returns its standard output. An error holds what the
// script has said on standard error.
type Shell func(ctx context.Context, script, stdin string, args ...string) (string, error)

// A Kind is what a guest is made of.
type Kind string

// A Flavour is what connects a guest of kind NS to its node.
type Flavour string

const (
	NS   Kind = "ns"   // a network namespace
	QEMU Kind = "qemu" // a virtual machine, under libvirt
	LXD  Kind = "lxd"  // a container, under LXD

	Veth Flavour = "veth" // as of a container
	Tap  Flavour = "tap"  // as of a virtual machine: a process has it open
)

// Kinds are the kinds that there are.
func Kinds() []string { return []string{string(NS), string(QEMU), string(LXD)} }

// Flavours are the flavours that there are.
func Flavours() []string { return []string{string(Tap), string(Veth)} }

// A Guest is one guest on a node.
type Guest struct {
	VM        string  `json:"vm"`
	Kind      Kind    `json:"kind"`
	Flavour   Flavour `json:"flavour"`
	Interface string  `json:"interface"` // the node's end
	Running   bool    `json:"running"`
}

// A Spec is a guest as it is to be.
type Spec struct {
	VM        string
	Kind      Kind
	Flavour   Flavour
	Interface string // the node's end
	// MakeTap: nobody but the guest makes the tap. Otherwise the agent does.
	MakeTap  bool
	MAC      string // of the guest's own; "" is DefaultMAC's
	Settings string // shell commands that configure eth0 in the guest
	// Metadata is in the guest's own configuration; nil is nothing. Not for
	// guests of kind NS, which have none.
	Metadata *Metadata
}

// DefaultMAC is a locally administered address made from the VM's name, so that
// the guest keeps it when it moves to another node.
func DefaultMAC(vm string) string {
	sum := sha256.Sum256([]byte(vm))
	return net.HardwareAddr(append([]byte{2}, sum[:5]...)).String()
}

// OwnInterface is the name of the node's end of a guest that brings its own VM:
// its configuration names it, and the agent takes what it names. Linux has
// room for 15 characters.
func OwnInterface(vm string) string {
	if name := vm + "_net0"; len(name) <= 15 {
		return name
	}
	sum := sha256.Sum256([]byte(vm))
	return fmt.Sprintf("g%x_net0", sum[:4])
}

// Add starts a guest. One that cannot be started leaves nothing behind. say is
// told what takes long.
func Add(ctx context.Context, sh Shell, s Spec, say func(string, ...any)) error {
	have, err := List(ctx, sh)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(have, func(g Guest) bool { return g.VM == s.VM }) {
		return hint.Add(fmt.Errorf("VM %s has a guest there already", s.VM), "`ipfabric-lab guest remove` takes it away")
	}
	if s.MAC == "" {
		s.MAC = DefaultMAC(s.VM)
	}
	switch s.Kind {
	case QEMU:
		return addQEMU(ctx, sh, s, say)
	case LXD:
		return addLXD(ctx, sh, s, say)
	}
	mode := "wait"
	if s.MakeTap {
		mode = "make"
	}
	_, err = sh(ctx, nsAdd, wire, s.VM, string(s.Flavour), s.Interface, s.MAC, mode, s.Settings)
	return err
}

// List returns the node's guests in the order of their names.
func List(ctx context.Context, sh Shell) ([]Guest, error) {
	out, err := sh(ctx, list, "")
	if err != nil {
		return nil, err
	}
	var guests []Guest
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 5 {
			return nil, fmt.Errorf("the list of guests cannot be read: %q", line)
		}
		guests = append(guests, Guest{f[0], Kind(f[1]), Flavour(f[2]), f[3], f[4] == "running"})
	}
	return guests, nil
}

// ErrNone is returned by Remove if there is no such guest.
var ErrNone = errors.New("no such guest")

// Remove ends a guest, as pulling its plug does, and removes what Add has made.
func Remove(ctx context.Context, sh Shell, vm string) error {
	have, err := List(ctx, sh)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(have, func(g Guest) bool { return g.VM == vm })
	if i < 0 {
		return ErrNone
	}
	script := map[Kind]string{NS: nsRemove, QEMU: qemuRemove, LXD: lxdRemove}[have[i].Kind]
	_, err = sh(ctx, script, "", vm)
	return err
}
