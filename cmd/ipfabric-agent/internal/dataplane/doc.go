// Package dataplane compares what the VMs of a node need in the kernel with
// what is there, and says what to do. It touches nothing: For makes what is
// wanted, package kernel finds what is there and does what Plan says.
//
// What belongs to the agent is marked in the kernel itself, so that an agent
// that starts knows its own from what other programs have made:
//
//   - routes have protocol number 201, and every route with it is the agent's;
//   - interfaces have the alias (ip link: "alias") ipfabric:made:NAME if the
//     agent made them for VM NAME, ipfabric:taken:NAME if it found them.
//
// A marked interface is the agent's whole: an address that it does not know is
// removed from it.
package dataplane
