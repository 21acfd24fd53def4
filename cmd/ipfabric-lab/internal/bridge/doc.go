// Package bridge makes the private network of a lab on the host: a bridge with
// the host's addresses on it, address translation to the outside for IPv4, and
// forwarding. All of it is found again in the kernel, and taken away again,
// without any file: a bridge carries its lab's name in its alias.
package bridge
