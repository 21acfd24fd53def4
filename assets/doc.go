// Package assets holds what ipfabric puts on hosts: the templates of frr.conf
// and of the core gateways' configuration, systemd units, sysctl settings, and
// the agent's binaries, which make builds into the folder agent before it
// builds ipfabric.
package assets
