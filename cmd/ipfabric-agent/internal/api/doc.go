// Package api is how programs talk to the agent: HTTP with JSON bodies over a
// unix socket that only root can open. It holds the server and the client; the
// types and error codes that pass between them are those of inventory/vm.
// docs/agent-reference.md describes it for other programs.
//
// Both ends send the number of the protocol that they speak, and refuse one
// that differs, except for the status and the hooks of hypervisors.
package api
