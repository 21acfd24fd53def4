// Package frr brings FRR on one host to the configuration that the inventory
// gives it: installed, configured, reloaded under a rollback, confirmed, upgraded.
//
// # Steps
//
// Install is what a host needs before its configuration:
//
//	the operating system is supported
//	the host has its addresses
//	FRR's package repository is set up      sourced, upstream
//	FRR is installed                        installed
//	FRR's service is set up                 the drop-in, and ipfabric-frr-config
//
// Configure is what makes FRR run its configuration:
//
//	FRR is the newest of its source         upgraded; only if that was asked for
//	FRR is configured by frr.conf alone     integrated
//	frr.conf is current                     confFileCurrent
//	FRR's daemons are enabled               daemons
//	FRR runs                                service
//	FRR runs frr.conf                       runsConf
//	FRR's change is confirmed               confirmed
//
// frr.conf comes before the service, so that an FRR that is started for the first
// time starts with it. There is no "and then reload": that FRR runs frr.conf is a
// step of its own, which asks FRR.
//
// # The rollback
//
// A change of a running FRR may cut off the operator, or the host's VMs. So it is
// made as on routers that have "commit confirmed":
//
//  1. prepare: all that can be done, or refused, while FRR stays as it is.
//  2. arm: the host keeps a copy of its configuration and the names of the
//     neighbors with an Established session in the file armed, and starts a timer.
//     If something cannot be kept, nothing is changed.
//  3. apply: the change is made. What FRR refuses a part of is taken back at once.
//  4. confirm: over a new connection the host is asked whether all sessions of 2
//     are Established again, less those with neighbors that were removed. If they
//     are, armed is removed. Otherwise the old configuration is put back.
//
// When the timer ends and armed is still there, the host puts the old configuration
// back by itself, and tries again until it has. Confirming and rolling back both
// begin with renaming armed, which only one of them can: so a change that was
// rolled back is never called confirmed.
//
// A change (guard.go) has no Apply. Only guarded makes a step of it, and that arms
// the rollback: it cannot be forgotten. One rollback serves all changes of a host's
// run: what is armed already stays, as it is the last confirmed configuration.
// A run that was cut off leaves armed behind; the next one confirms it, or the host
// rolls back.
//
// The files of the host are named in rollback.go, and the host's part is the script
// assets/node/frr-config.sh.
//
// # Errors
//
// An error with RolledBack() is a change that was made and taken back, or that the
// host is about to take back: it is not tried on other hosts. One with Refused() is
// a change that was not made at all.
package frr
