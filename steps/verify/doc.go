// Package verify looks at a whole fabric and judges it: each host's own checks,
// both ends of every BGP session, and every VM. It changes nothing.
//
// Each host is asked everything at once (host.go), then its answers are judged in
// order: a check that depends on one that failed is not-checked. Sessions are
// judged from both ends (session.go, hint.go). VMs are judged by package vms, which
// gets what their agents and the route reflectors said (vm.go).
//
// Report is the result. It is also the JSON form, which docs/verify.md describes.
package verify
