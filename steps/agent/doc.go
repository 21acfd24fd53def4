// Package agent has the steps that install ipfabric-agent on a node and keep it
// running, and asks it for its status. An agent that is newer than this program's
// is not replaced, unless that is asked for.
package agent
