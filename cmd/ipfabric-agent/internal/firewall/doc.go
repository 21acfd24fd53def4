// Package firewall keeps VMs from sending what is not theirs, with one nftables
// table of its own, inet ipfabric. Other tables, whoever made them, are left
// alone: a packet is dropped here or goes on to them.
//
// From a VM's interface the node takes only packets whose source is one of the
// VM's addresses, besides what every host needs to find its neighbors. It takes
// no router advertisements, no redirects and no answers of a DHCP server, and
// nothing for the node's own BGP, BFD, VXLAN and metrics. Interfaces that are
// not a VM's are not looked at.
//
// Every reason to drop a packet has a chain of its own, whose last rule counts
// and drops. The set offenders counts for each interface, and forgets one that
// has behaved for a day.
package firewall
