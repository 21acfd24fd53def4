package engine

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/inventory/vm"
)

// A roster is who a pass is about.
type roster struct {
	wants   []dataplane.Want
	allow   []firewall.Entry
	devices []string          // of the wants
	held    map[string]string // VM name → why nothing is done about it
	found   map[string]heldVM // what the kernel has of those
	// heldDevices are the interfaces of those; what they may send stays.
	heldDevices map[string]bool
	complete    bool // it has everybody
	// lost says why it is not known which VMs there are, "" if it is known. If it
	// is set, everything in the kernel is held.
	lost string
	// withheld are addresses of held VMs whose routes a drain took away.
	withheld map[string][]netip.Addr
}

// everybody reads all of the store's VMs. Two VMs may have the same
// address or interface only if a person has edited the files. Then the first by
// name is served, and the other held. The caller holds work.
func (e *Engine) everybody() roster {
	r := e.newRoster()
	r.complete = true
	r.withheld = e.Store.Withheld()
	if !e.Store.Known() {
		r.lost = lostWhy
	}
	settings := e.settings()
	clashes := map[string]string{}
	var before taken
	for _, v := range e.Store.All() {
		if why := before.conflict(&v); why != nil {
			clashes[v.Name] = why.Error()
			r.hold(v.Name, why.Error())
			continue
		}
		before.add(v)
		r.add(v, settings)
	}
	e.clashes = clashes
	return r
}

// only returns a roster of some VMs. The caller holds work.
func (e *Engine) only(names map[string]bool) roster {
	r := e.newRoster()
	settings := e.settings()
	for name := range names {
		if v, ok := e.Store.Get(name); ok && r.held[name] == "" {
			r.add(v, settings)
		}
	}
	return r
}

func (e *Engine) newRoster() roster {
	r := roster{held: map[string]string{}, found: map[string]heldVM{}, heldDevices: map[string]bool{}}
	for name, why := range e.Store.Bad() {
		r.hold(name, why)
	}
	return r
}

// look compares a roster with what is there, before anything is changed. The
// host's own interfaces must not be filtered as a VM's. A VM's interface must be
// filtered even if it is not known what the VM needs: then it may send from the
// addresses that are routed to it.
func (r *roster) look(seen dataplane.Seen, gateways []netip.Prefix) {
	unfit := dataplane.Unfit(r.wants, seen)
	r.allow = slices.DeleteFunc(r.allow, func(a firewall.Entry) bool { return unfit[a.Device] })
	if !r.complete {
		return // the rules are there, and no others' are touched
	}
	r.holdLost(seen)
	var held []dataplane.Want
	for d := range r.heldDevices {
		held = append(held, dataplane.Want{Device: d, Addrs: gateways})
	}
	unfit = dataplane.Unfit(held, seen)
	for _, l := range seen.Links {
		name, _ := dataplane.Marked(l.Alias)
		if _, is := r.held[name]; !is {
			continue
		}
		r.heldDevices[l.Name] = true
		found := heldVM{vmState: vmState{
			State:  dataplane.State{Index: l.Index, Present: true, Carrier: l.Carrier},
			device: l.Name,
		}}
		for _, route := range seen.Routes {
			if route.Link == l.Index && route.Prefix.IsSingleIP() {
				found.addrs = append(found.addrs, route.Prefix.Addr())
				found.Routes++
			}
		}
		for _, a := range r.withheld[name] {
			if !slices.Contains(found.addrs, a) {
				found.addrs = append(found.addrs, a)
			}
		}
		for _, a := range found.addrs {
			r.allow = append(r.allow, firewall.Entry{Device: l.Name, Addr: a})
		}
		r.found[name] = found
	}
	for name, why := range r.held {
		found := r.found[name]
		found.problem = heldBack(why)
		r.found[name] = found
	}
	for d := range r.heldDevices {
		if !unfit[d] {
			r.allow = append(r.allow, firewall.Entry{Device: d})
		}
	}
}

func (r *roster) hold(name, why string) {
	r.held[name] = why
	r.heldDevices[vm.InterfaceName(name)] = true
}

func (r *roster) add(v vm.VM, s dataplane.Settings) {
	w := dataplane.For(v, s)
	r.wants = append(r.wants, w)
	r.devices = append(r.devices, w.Device)
	r.allow = append(r.allow, firewall.Entry{Device: w.Device})
	for _, a := range v.Addrs() {
		r.allow = append(r.allow, firewall.Entry{Device: w.Device, Addr: a})
	}
	if a := firewall.LinkLocalOf(net.HardwareAddr(v.MAC)); a.IsValid() {
		r.allow = append(r.allow, firewall.Entry{Device: w.Device, Addr: a})
	}
}

// taken is who has what.
type taken struct {
	by map[string]string // address, or "interface x" → VM name
}

func (t *taken) add(v vm.VM) {
	if t.by == nil {
		t.by = map[string]string{}
	}
	for _, k := range keys(&v) {
		t.by[k] = v.Name
	}
}

// conflict says what of a VM another has already.
func (t *taken) conflict(v *vm.VM) error {
	for _, k := range keys(v) {
		if other, ok := t.by[k]; ok && other != v.Name {
			return fmt.Errorf("%s is VM %s's", k, other)
		}
	}
	return nil
}

func keys(v *vm.VM) []string {
	out := []string{"interface " + v.Device()}
	for _, a := range v.Addrs() {
		out = append(out, a.String())
	}
	return out
}
