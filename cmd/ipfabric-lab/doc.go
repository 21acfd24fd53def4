// Command ipfabric-lab boots a fabric of real machines on this host: route
// reflectors, nodes and core gateways, each with its own root file system,
// systemd, sshd and apt, on a network of their own. It is for trying ipfabric
// out, for its end-to-end tests, and for CI. See docs/lab.md.
//
// The commands here say what to do and print; internal/lab does it. Below
// that, each package knows one thing: machine (one systemd-nspawn machine),
// bridge (the host's side of the network), image (what machines boot from),
// aptconf (where packages come from), render (fabric.yaml and bird.conf), plan
// (names and addresses).
package main
