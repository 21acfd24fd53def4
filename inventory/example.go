package inventory

import (
	"bytes"
	_ "embed"
)

//go:embed example.yaml
var example []byte

// Example returns a commented fabric.yaml that is valid as it is.
func Example() []byte { return bytes.Clone(example) }
