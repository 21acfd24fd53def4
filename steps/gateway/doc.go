// Package gateway writes the configuration of core gateways: what their
// administrators put into routers that ipfabric does not log in to. It is pure
// and touches no host.
//
// A vendor is one Go file, one template in assets/gateway, and one name in
// inventory.Vendors. The file turns a Gateway, which says in no vendor's words
// what the router must know, into the values that the template prints. Each
// text converges: applied over an older one of the same core gateway, it leaves
// nothing of the older one behind. How, is the vendor's matter:
//
//   - junos: the text deletes all that an older one may have set, then sets it
//     anew, in one commit.
//   - frr: the text is a block of frr.conf that replaces the older block, and
//     frr-reload.py brings the difference into the running FRR.
//   - bird: the text is a whole file, which the router's bird.conf includes.
package gateway
