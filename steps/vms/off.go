package vms

import (
	"fmt"
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
