// Package guest starts and ends guests on the nodes of a lab: what is at the
// other end of a VM's interface, and configured by the settings that its owner
// would be given.
//
// A guest runs on the node as a hypervisor's would, not on the lab's host: all
// of it is done by shell scripts that the node's root is given over SSH. What
// there is, is written down on the node, in /run/ipfabric-lab/guests, one file
// each. A node that is booted again has neither the guests nor the files.
package guest
