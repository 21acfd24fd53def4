// Package reach finds what on this node keeps packets from its VMs, or from
// leaving them, although interfaces, routes and sessions are as they should be:
// another program's filter, a rule that selects another routing table, a kernel
// setting of the uplink, a full table. It names the culprit and changes nothing.
//
// What a filter does is found by following two packets, of a new and of an
// established connection, through its chains. A condition that cannot be judged,
// such as a port, may hold or not. A filter is a problem only if it drops the
// packets whatever such conditions say: a false alarm would be worse than none.
package reach
