// Package vm says what a VM is to the agent: its name, its addresses, the
// interface behind which it lives, and how its routes are announced.
//
// All of it comes from outside (a client of the API, libvirt, LXD, a file), so
// nothing here is taken as it comes: Parse checks everything, and a VM that
// came out of it can go into paths, interface names and the kernel as it is.
package vm
