// Package conf knows FRR's configuration and touches no host. It renders frr.conf
// (Reflector, Node) from an inventory for a version of FRR, says what differs
// between two configurations (Compare, ParseReloadTest), and whose a frr.conf is
// (Foreign).
//
// Nothing is rendered that is FRR's default in that version: FRR does not show it,
// and it would always differ. The golden files of testdata are given to real FRR in
// the lab's tests; those of testdata/running are what it showed then.
package conf
