// Package store keeps the VMs that are wanted on this node, one small JSON file
// for each below /var/lib/ipfabric/vms.d, and whether the node is drained.
//
// A file is either complete or absent: it is written beside its place, synced,
// and renamed. A file that cannot be understood (a damaged disk, an editor) is
// renamed to NAME.json.corrupt and reported. It never affects other VMs. Its own
// VM is held: what the VM needs is not known any more, so the kernel keeps what
// it has for it.
//
// Keys that a newer agent has written are kept when a file is written again. A
// file of a newer version that cannot be used stays where it is, and its VM is
// held as well.
package store
