// Command ipfabric-agent runs on every node of an IP fabric. It keeps the
// interface, the addresses and the routes of each of the node's VMs as they
// should be, keeps VMs from sending what is not theirs, and says how the node
// is on a unix socket.
//
// The same binary is the daemon (ipfabric-agent run, started by systemd), its
// client (status, vm, drain, undrain) and what libvirt's hook runs (hook).
//
// # How it works
//
// What should be is one small file per VM (package store). What is comes from
// the kernel (package kernel). The difference between the two is computed by a
// pure function (package dataplane) and carried out, whenever the kernel or a
// client reports a change, and for all VMs every minute (package engine).
// Nothing is ever done because of an event alone: an event only says where to
// look. Hence whatever somebody deletes comes back, and an agent that was not
// running catches up when it starts.
//
// Routes stay in the kernel when the agent stops. FRR announces them on its
// own, so that stopping, restarting or upgrading the agent withdraws nothing.
package main
