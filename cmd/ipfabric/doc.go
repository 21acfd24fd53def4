// Ipfabric builds and checks an IP fabric over SSH: hypervisor nodes that
// route for their virtual machines, route reflectors, and core gateways. It
// reads fabric.yaml, runs on the operator's machine, and keeps no server.
//
// # How the program is laid out
//
// main calls execute, which builds an app and hands it to cobra. There is a file
// for each command, with its flags, its help, and one call into a package below:
//
//   - internal/session is one run: the inventory and its secrets, connections,
//     locks, the look, the apply, the verification, VMs. Start with session.go,
//     then converge.go, which is init.
//   - internal/ui is everything that speaks or asks. The rules of what is said
//     stand at the head of say.go.
//
// A session has one connection for each host. Plan, apply and verify share it:
// that is what makes a run that changes nothing about as fast as logging in.
//
// # Errors
//
// A command returns its error to execute, which prints it with its hint. An error
// has a hint if it has the method Hint() string; ui.WithHint adds one. ui.Usage
// marks an error of the command line or the inventory, exit code 64; any other is
// 1 unless a ui.CodedError says otherwise.
//
// # Interruption
//
// While hosts are being changed, the first Ctrl-C only lets nothing new begin.
// See the interrupts of internal/session.
package main
