package vms

import (
	"net/netip"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
)

// CheckName says what is wrong with a VM's name. One that passes is safe as
// a file name and as an argument.
func CheckName(name string) error {
	if err := vm.CheckName(name); err != nil {
		return usage("a name such as web or sea_gold", "%v", err)
	}
	return nil
}

// A Wish is what vm add was told, as it was written.
type Wish struct {
	Name, Node string
	// IP and IP6 are addresses, "" for the lowest that is free, or "none".
	IP, IP6                       string
	MAC                           string
	Interface, Link, Owner, Group string
	MultiQueue                    bool
}

// A Request is a Wish that was checked against the fabric.
type Request struct {
	VM                // what was asked for; zero where nothing was said
	pick4, pick6 bool // choose an address
	none4, none6 bool // there must be none
}

// NewRequest checks all that can be checked without asking a host.
func NewRequest(f *inventory.Fabric, w Wish) (Request, error) {
	r := Request{VM: VM{Node: w.Node, Observed: vm.Observed{VM: vm.VM{
		Name: w.Name, Interface: w.Interface, Link: vm.Link(w.Link),
		Owner: w.Owner, Group: w.Group, MultiQueue: w.MultiQueue,
	}}}}
	if err := CheckName(w.Name); err != nil {
		return r, err
	}
	if err := CheckNode(f, w.Node); err != nil {
		return r, err
	}
	if err := r.checkLink(w); err != nil {
		return r, err
	}
	v4 := family{flag: "--ip", name: "IPv4", pools: f.Pools4()}
	v6 := family{flag: "--ip6", name: "IPv6", is6: true, pools: f.Pools6()}
	var err error
	if r.IPv4, r.pick4, err = v4.parse(f, w.IP); err != nil {
		return r, err
	}
	if r.IPv6, r.pick6, err = v6.parse(f, w.IP6); err != nil {
		return r, err
	}
	r.none4, r.none6 = w.IP == noAddress, w.IP6 == noAddress
	if len(r.Addrs()) == 0 && !r.pick4 && !r.pick6 {
		return r, usage("leave out --ip none or --ip6 none", "VM %s would have no address", w.Name)
	}
	return r, nil
}

// CheckNode says what is wrong with the name of a node.
func CheckNode(f *inventory.Fabric, name string) error {
	_, err := nodeNamed(f, name)
	return err
}

func nodeNamed(f *inventory.Fabric, name string) (inventory.Node, error) {
	var names []string
	for _, n := range f.Nodes {
		if n.Name == name {
			return n, nil
		}
		names = append(names, n.Name)
	}
	hint := "the nodes are " + step.AndList(names)
	if len(names) == 0 {
		hint = "add it to the inventory"
	}
	if h, ok := f.Host(name); ok {
		return inventory.Node{}, usage(hint, "%s is a %s, not a node", name, h.Role)
	}
	return inventory.Node{}, usage(hint, "the fabric has no node %q", name)
}

func (r *Request) checkLink(w Wish) error {
	if w.MAC != "" {
		if err := r.MAC.UnmarshalText([]byte(w.MAC)); err != nil || !r.MAC.Valid() {
			return usage("write it as 52:54:00:12:34:56", "--mac %q is not the address of one network card", w.MAC)
		}
	}
	if n := w.Interface; n != "" && vm.CheckInterface(n) != nil {
		return usage("up to 15 letters, digits and _ . - ~", "--interface %q cannot be the name of a VM's interface", n)
	}
	switch vm.Link(w.Link) {
	case "", vm.Tap, vm.Existing:
	default:
		return usage("write tap or existing", "--link %q is not known", w.Link)
	}
	if !vm.ValidAccount(w.Owner) {
		return usage("a name such as libvirt-qemu, or a number", "--owner %q is not a user", w.Owner)
	}
	if !vm.ValidAccount(w.Group) {
		return usage("a name such as kvm, or a number", "--group %q is not a group", w.Group)
	}
	if vm.Link(w.Link) == vm.Existing && (w.Owner != "" || w.Group != "" || w.MultiQueue) {
		return usage("leave them out, or write --link tap", "--owner, --group and --multiqueue are for taps that the agent makes")
	}
	return nil
}

// noAddress is what is written for no address of a family.
const noAddress = "none"

// A family is one of IPv4 and IPv6, as far as a VM's address is concerned.
type family struct {
	flag, name string
	is6        bool
	pools      []netip.Prefix
}

// parse reads an address that was asked for. Where nothing was said, one is to
// be picked if the fabric has the family.
func (x family) parse(f *inventory.Fabric, s string) (a netip.Addr, pick bool, err error) {
	switch {
	case s == noAddress:
		return a, false, nil
	case s == "":
		return a, len(x.pools) > 0, nil
	}
	a, err = netip.ParseAddr(s)
	if err != nil || !vm.IsFamily(a, x.is6) {
		return netip.Addr{}, false, usage("write an address of "+x.poolNames(), "%s %q is not an %s address", x.flag, s, x.name)
	}
	if who := f.HolderOf(a); who != "" {
		return netip.Addr{}, false, usage("write an address of "+x.poolNames(), "%s %s is the address of %s", x.flag, a, who)
	}
	if !inventory.InPools(x.pools, a) {
		return netip.Addr{}, false, usage("write an address of "+x.poolNames(), "%s %s is in none of the fabric's pools", x.flag, a)
	}
	return a, false, nil
}

func (x family) poolNames() string {
	if len(x.pools) == 0 {
		return "an " + x.name + " pool, of which the fabric has none: leave " + x.flag + " out"
	}
	var out []string
	for _, p := range x.pools {
		out = append(out, p.String())
	}
	return step.AndList(out)
}
