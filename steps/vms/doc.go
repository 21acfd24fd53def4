// Package vms works with the VMs of a whole fabric: it observes and judges them,
// and it adds, moves and removes them.
//
// Observe gathers what the agents of the nodes and the route reflectors say
// (observe.go). Judge makes one list of findings of it, which `ipfabric vm list`
// and verify both show (judge.go; conflicts.go for what other VMs and routers
// announce; strays.go for routes that are no VM's).
//
// Control changes VMs by means of the nodes' agents, and asks the route reflectors
// what came of it. An address is given to a VM only while the lock of all nodes is
// held and every node has said which addresses are in use. A move is make before
// break: the new node announces the VM before the old one stops (move.go,
// movesteps.go); what goes wrong in the middle is undone in moveback.go.
//
// Start with control.go, then observe.go and judge.go, or add.go.
package vms
