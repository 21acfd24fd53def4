// Package frr asks bgpd how its sessions are, over the unix socket that vtysh
// uses too, without starting a process for each question.
package frr
