// Package machine boots and stops one machine of a lab: a systemd-nspawn
// container with a disk of its own over a shared image.
//
// Everything a machine leaves in the kernel belongs to its process tree: its
// disk is mounted in a mount namespace of its own, its interfaces are in a
// network namespace of its own, and all its processes are in one control
// group. Killing the group is therefore all the cleaning up there is, and the
// group's name is how the machine is found again, whatever happened to the
// program that started it.
package machine
