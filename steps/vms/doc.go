// Package vms works with the VMs of a whole fabric: it lists, adds, moves and
// removes them. Control does so by means of the nodes' agents, and asks the route
// reflectors what came of it.
//
// An address is given to a VM only while the lock of all nodes is held and every
// node has said which addresses are in use. A move is make before break: the new
// node announces the VM before the old one stops (move.go, movesteps.go); what
// goes wrong in the middle is undone in moveback.go.
//
// Start with control.go, then add.go.
package vms
