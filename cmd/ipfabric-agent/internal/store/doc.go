// Package store keeps the VMs that are wanted on this node, one small JSON file
// for each below /var/lib/ipfabric/vms.d, and whether the node is drained.
//
// A file is complete or not there: it is written beside its place, synced, and
// renamed. A file that cannot be understood all the same (a disk that lies, an
// editor) is set aside under another name and reported. It never hides other
// VMs, and the VM that it belonged to is held: nobody knows any more what it
// needs, so what the kernel has for it stays.
package store
