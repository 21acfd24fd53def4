// Package session is one run of a command that works with hosts. It reads the
// inventory and the secrets, connects, locks, looks, applies, verifies, and works
// with VMs; ui says what came of it. The commands in cmd/ipfabric have the flags
// and call it.
//
// Start with session.go, then converge.go, which is init.
package session
