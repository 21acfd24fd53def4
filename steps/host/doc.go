// Package host has the steps that any host may need: files with their mode and
// owner, forwarding, and addresses; and what systemd says of a unit.
package host
