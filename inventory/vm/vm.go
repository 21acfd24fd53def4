package vm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A VM is one virtual machine or container that a node routes for. Make one
// with Parse or call Check: the rest of the agent relies on what it holds.
type VM struct {
	Name string     `json:"name"`
	IPv4 netip.Addr `json:"ip,omitzero"`  // announced as a /32
	IPv6 netip.Addr `json:"ip6,omitzero"` // announced as a /128
	// MAC is the guest's own. Where it is known the agent enters it into the
	// neighbor table, so that the node never asks the guest for it.
	MAC MAC `json:"mac,omitempty"`
	// Interface is the host's end of the VM's network interface. Empty is
	// InterfaceName(Name).
	Interface string `json:"interface,omitempty"`
	Link      Link   `json:"link"`
	// Owner and Group (names or numbers) may open a tap that the agent makes,
	// besides root. Empty is root alone.
	Owner string `json:"owner,omitempty"`
	Group string `json:"group,omitempty"`
	// MultiQueue makes the tap with IFF_MULTI_QUEUE, for guests whose
	// hypervisor opens more than one queue.
	MultiQueue bool   `json:"multiqueue,omitempty"`
	Phase      Phase  `json:"phase"`
	Source     Source `json:"source"`
	// Settle is when a Migrating VM becomes Live by itself. Zero is never: it
	// waits for a change of its phase.
	Settle time.Time `json:"settle,omitzero"`
}

// A Link says who makes the VM's interface.
type Link string

const (
	Tap      Link = "tap"      // the agent, if it is not there: a persistent tap
	Existing Link = "existing" // another program (libvirt, LXD): the agent uses it as soon as it appears
)

// A Phase says how a VM's routes are announced.
type Phase string

const (
	// Live is a VM that runs here: metric 1024.
	Live Phase = "live"
	// Waiting is a VM that is about to arrive by live migration: everything
	// is ready, but it has no routes. The first packet from the guest makes it
	// Migrating.
	Waiting Phase = "waiting"
	// Migrating is a VM that has just arrived, while the node it left may still
	// announce it: metric 512, which FRR turns into LOCAL_PREF 200, so that all
	// routers prefer this node.
	Migrating Phase = "migrating"
	// Withdrawn is a VM that keeps its interface but is not announced.
	Withdrawn Phase = "withdrawn"
	// Off is a VM that libvirt or LXD has but that is shut down. The agent only
	// lists it; its addresses are not given to others. It is never stored.
	Off Phase = "off"
)

// A Source says who wants the VM.
type Source string

const (
	API     Source = "api"     // ipfabric vm add, ipfabric-agent vm add
	Libvirt Source = "libvirt" // the metadata of a libvirt domain
	LXD     Source = "lxd"     // the configuration of an LXD or Incus instance
)

// Parse reads one VM from JSON and checks it.
func Parse(data []byte) (*VM, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	if err := v.Check(); err != nil {
		return nil, err
	}
	return v, nil
}

// Decode reads one VM from JSON without checking it. Unknown keys are errors,
// as a request with a key that is ignored would do something else than was
// asked for. Files are read by ParseFile, which keeps them.
func Decode(data []byte) (*VM, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var v VM
	if err := dec.Decode(&v); err != nil {
		return nil, readable(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the end of the VM")
	}
	return &v, nil
}

// readable says in plain words what encoding/json says in terms of Go.
func readable(err error) error {
	var typ *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it is cut off: not a complete JSON object")
	case errors.As(err, &typ):
		return fmt.Errorf("%s: a %s does not belong there", typ.Field, typ.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// Check says what is wrong with a VM, and fills in what was left out.
func (v *VM) Check() error {
	if err := CheckName(v.Name); err != nil {
		return err
	}
	if err := v.checkAddresses(); err != nil {
		return fmt.Errorf("VM %s: %w", v.Name, err)
	}
	if err := v.checkLink(); err != nil {
		return fmt.Errorf("VM %s: %w", v.Name, err)
	}
	switch v.Phase {
	case "":
		v.Phase = Live
	case Live, Waiting, Migrating, Withdrawn:
	default:
		return fmt.Errorf("VM %s: phase %q: write live, waiting, migrating or withdrawn", v.Name, v.Phase)
	}
	switch v.Source {
	case "":
		v.Source = API
	case API, Libvirt, LXD:
	default:
		return fmt.Errorf("VM %s: source %q: write api, libvirt or lxd", v.Name, v.Source)
	}
	return nil
}

func (v *VM) checkAddresses() error {
	if !v.IPv4.IsValid() && !v.IPv6.IsValid() {
		return errors.New("it has neither an IPv4 nor an IPv6 address")
	}
	if v.IPv4.IsValid() && !IsFamily(v.IPv4, false) {
		return fmt.Errorf("ip %s is not an IPv4 address", v.IPv4)
	}
	if v.IPv6.IsValid() && !IsFamily(v.IPv6, true) {
		return fmt.Errorf("ip6 %s is not an IPv6 address", v.IPv6)
	}
	for _, a := range v.Addrs() {
		if !a.IsGlobalUnicast() {
			return fmt.Errorf("%s is not an address that can be routed to a VM", a)
		}
	}
	if len(v.MAC) != 0 && !v.MAC.Valid() {
		return fmt.Errorf("mac %s is not the address of one network card", v.MAC)
	}
	return nil
}

// IsFamily says whether an address is one of IPv4, or of IPv6, as a VM's is
// written: neither with a zone nor IPv4 mapped into IPv6.
func IsFamily(a netip.Addr, is6 bool) bool {
	if is6 {
		return a.Is6() && !a.Is4In6() && a.Zone() == ""
	}
	return a.Is4()
}

func (v *VM) checkLink() error {
	switch v.Link {
	case "":
		v.Link = Tap
	case Tap, Existing:
	default:
		return fmt.Errorf("link %q: write tap or existing", v.Link)
	}
	if v.Interface != "" {
		if err := CheckInterface(v.Interface); err != nil {
			return err
		}
	}
	for what, name := range map[string]string{"owner": v.Owner, "group": v.Group} {
		if !ValidAccount(name) {
			return fmt.Errorf("%s %q is not the name or number of one", what, name)
		}
	}
	if v.Link == Existing && (v.Owner != "" || v.Group != "" || v.MultiQueue) {
		return errors.New("owner, group and multiqueue are for taps that the agent makes: leave them out, or write link tap")
	}
	return nil
}

// Addrs returns the VM's addresses, IPv4 first.
func (v VM) Addrs() []netip.Addr {
	var out []netip.Addr
	for _, a := range []netip.Addr{v.IPv4, v.IPv6} {
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// Device is the name of the VM's interface on the host.
func (v *VM) Device() string {
	if v.Interface != "" {
		return v.Interface
	}
	return InterfaceName(v.Name)
}

// Announced says whether the VM's routes should be in the kernel's table.
func (v *VM) Announced() bool { return v.Phase == Live || v.Phase == Migrating }

// Same says whether two VMs are equal except for their phase.
func (v *VM) Same(o *VM) bool {
	return v.Name == o.Name && v.IPv4 == o.IPv4 && v.IPv6 == o.IPv6 &&
		bytes.Equal(v.MAC, o.MAC) && v.Device() == o.Device() && v.Link == o.Link &&
		v.Owner == o.Owner && v.Group == o.Group && v.MultiQueue == o.MultiQueue && v.Source == o.Source
}

// A MAC is a hardware address that is written as text in JSON.
type MAC net.HardwareAddr

func (m MAC) String() string { return net.HardwareAddr(m).String() }

// Valid says whether it is the address of one network card: 6 bytes, not a
// group's, not zero.
func (m MAC) Valid() bool {
	return len(m) == 6 && m[0]&1 == 0 && !bytes.Equal(m, make([]byte, 6))
}

// MarshalText writes it as 02:00:00:00:00:01.
func (m MAC) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads any form that net.ParseMAC does.
func (m *MAC) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = nil
		return nil
	}
	hw, err := net.ParseMAC(string(text))
	if err != nil {
		return fmt.Errorf("mac %q: write it as 52:54:00:12:34:56", text)
	}
	*m = MAC(hw)
	return nil
}
