// Package vm is the contract between ipfabric (the operator's side) and
// ipfabric-agent (on each node). Both import it; it imports nothing of ours.
//
// It holds what both sides must agree on:
//
//   - a VM, and the rules for its name, addresses and interface (vm.go, name.go);
//   - what the agent answers: Observed and Status (status.go);
//   - errors, which are told apart by a Code (error.go);
//   - Protocol, the number of this contract, and Build, which says which of two
//     builds is newer (protocol.go);
//   - VM files on the agent's disk (file.go).
//
// VMs come from outside (a command line, the API, libvirt, LXD, a file), so
// nothing is taken as it comes: a VM that passed Check can go into paths,
// interface names and the kernel as it is.
//
// The JSON only ever grows. testdata has what earlier agents wrote and
// answered; it must be understood for good.
package vm
