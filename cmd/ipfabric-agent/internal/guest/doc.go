// Package guest detects when a guest that arrives by live migration runs here.
//
// While a migration is under way the guest's interface already exists on the
// new node, but nothing can come out of it: the guest is still paused. The
// first thing that does is QEMU's announcement (a RARP) or the guest's own
// gratuitous ARP. Any packet proves the same, so any packet will do.
package guest
