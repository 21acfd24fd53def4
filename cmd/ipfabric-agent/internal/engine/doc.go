// Package engine is what the agent does: it holds the VMs that are wanted on
// this node, compares them with the kernel, and puts right what differs.
package engine
