// Package lxd follows the instances of LXD or Incus on this node over its unix
// socket. An instance becomes the fabric's by its configuration:
//
//	lxc config set web user.ipfabric.ip=203.0.113.7 user.ipfabric.ip6=2001:db8:100::7
//
// Its network card must be one without a bridge (nictype=p2p). With more than
// one, user.ipfabric.nic names it.
//
// Events only say when to look: the list of instances is what counts.
package lxd
