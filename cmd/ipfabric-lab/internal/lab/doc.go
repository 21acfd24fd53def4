// Package lab is the lab as a whole: a folder, machines, a network.
//
// The folder holds what an operator needs to reach the machines (fabric.yaml,
// a key, known_hosts, the BGP password) and the machines' disks. A lab's ID is
// made of its folder's path, and everything it has in the kernel carries the
// ID, so that Down finds all of it even if the folder is gone or an Up was
// killed half-way.
package lab
