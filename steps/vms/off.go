package vms

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"ipfabric/steps/step"
)

// A VM in the phase off is one that libvirt or LXD has on its node and that does
// not run. Nothing announces it, but its addresses are its own: it takes them up
// again when it starts.

// Whose names a VM that has an address.
func (v VM) Whose() string {
	if v.Phase == PhaseOff {
		return fmt.Sprintf("VM %s on %s, which is off", v.Name, v.Node)
	}
	return fmt.Sprintf("VM %s on %s", v.Name, v.Node)
}

// foreign says whether libvirt or LXD brought the VM. The source of a VM whose
// file cannot be used is not known, and counts as the operator's.
func (v VM) foreign() bool { return v.Source != SourceAPI && v.Source != "" }

// offAlready refuses to add a VM that is there, off.
func (r Request) offAlready(v VM) error {
	return refused(fmt.Sprintf("start it with %s on %s, and the agent announces it; or take another name", v.Source, v.Node),
		"there is a VM %s on %s already, with %s: it is %s's, and off", v.Name, v.Node, addrList(v.Addrs()), v.Source)
}

// checkRemovable refuses to remove what would come back: a VM of libvirt's or
// LXD's that runs, whose guest would be cut off as well, and one that is off,
// whose addresses only they can give back.
func checkRemovable(vms []VM) error {
	for _, v := range vms {
		free := fmt.Sprintf("its addresses are free once %s's configuration of it does not have them any more", v.Source)
		switch {
		case v.Phase == PhaseOff:
			return refused("take them out there, or delete it: "+free,
				"VM %s on %s is off, and its addresses are in %s's configuration", v.Name, v.Node, v.Source)
		case v.foreign() && v.Carrier:
			return refused(fmt.Sprintf("stop it with %s: the agent follows by itself; %s", v.Source, free),
				"VM %s on %s belongs to %s, and runs", v.Name, v.Node, v.Source)
		}
	}
	return nil
}

// Removable says why Remove would refuse a VM that was found, nil if it would not.
func (l List) Removable() error {
	var s survey
	for _, v := range l.VMs {
		s.vms = append(s.vms, v.VM)
	}
	return checkRemovable(s.named(l.VMs[0].Name))
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

// unannounced says of nodes why their FRR announces none of the VMs that it should:
// FRR 10 is silent about a VM without a guest, but so is one that does not run.
// Only nodes are asked of which a reflector lacks a route.
func (c *Control) unannounced(ctx context.Context, vms []VM, seen [][]Seen) map[string]string {
	asked := map[string]VM{}
	var nodes []string
	for i, v := range vms {
		lacking := slices.ContainsFunc(seen[i], func(s Seen) bool { return s.Status == SeenNo })
		if _, twice := asked[v.Node]; v.Announced && lacking && !twice {
			asked[v.Node] = v
			nodes = append(nodes, v.Node)
		}
	}
	why := make([]string, len(nodes))
	onAll(nodes, func(i int, node string) {
		_, err := c.routesAt(ctx, node, asked[node].Addrs())
		if e := (*Error)(nil); errors.As(err, &e) && e.Err != nil {
			why[i] = e.Err.Error()
		}
	})
	out := map[string]string{}
	for i, node := range nodes {
		out[node] = why[i]
	}
	return out
}
