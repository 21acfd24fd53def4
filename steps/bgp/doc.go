// Package bgp asks routers what they know of sessions and routes, and reads the
// answers: JSON of FRR's vtysh, and the text of BIRD's birdc. It changes nothing.
//
// Peers is what a router says of its neighbors (Ask, ParseFRR, ParseBIRD), Routes
// is what it knows of addresses (AskRoutes), and Tables is all that a route
// reflector has of the VMs (AskReflector). What a router does not say is told from
// what it says by -1, "" or nil; the fields' comments say which.
package bgp
