// Package agent is about ipfabric-agent on the nodes. The steps in agent.go
// install it and keep it running; an agent that is newer than this program's is
// not replaced, unless that is asked for. Client and Editor in client.go call it:
// they read and change the VMs of one node.
package agent
