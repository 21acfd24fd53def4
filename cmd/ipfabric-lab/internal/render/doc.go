// Package render writes the texts that a lab makes of what it is: its
// fabric.yaml, and the part of a core gateway's bird.conf that is the router's
// own. What of it is the fabric's, package steps/gateway writes. All of it is
// pure.
package render
