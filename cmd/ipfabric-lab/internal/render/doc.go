// Package render writes the two texts that a lab makes of what it is: its
// fabric.yaml, and the BIRD configuration of a core gateway. Both are pure
// functions.
package render
