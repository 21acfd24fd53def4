// Package firewall keeps VMs from sending what is not theirs, with two nftables
// tables of its own, inet ipfabric and arp ipfabric. Other tables, whoever made
// them, are left alone: a packet is dropped here or goes on to them.
//
// From a VM's interface the node takes only packets whose source is one of the
// VM's addresses, besides what every host needs to find its neighbors. It takes
// no router advertisements, no redirects and no answers of a DHCP server, and
// nothing for the node's own BGP, BFD, VXLAN and metrics. Interfaces that are
// not a VM's are not looked at.
//
// The kernel's neighbor tables are shared by all VMs of a node, and each new
// sender of a solicitation or an ARP request takes a place in them. So ARP
// senders are the VM's own address only, and link-local sources are the one
// that belongs to the VM's MAC and a few more.
//
// What depends on a VM is an element of a set. The number of rules does not
// depend on the number of VMs.
//
// Every reason to drop a packet has a chain of its own, whose last rule counts
// and drops. The set offenders counts for each interface, and forgets one that
// has had no packet dropped for a day.
package firewall
