// Package inventory reads fabric.yaml, the one file that says what a fabric
// is, and the agent.yaml that each node's agent gets of it.
//
// Load and Parse return a Fabric whose values and relations are all checked,
// or Errors: every problem of the file, each with its line and column and what
// to write instead. They look at nothing but the file. What it refers to, the
// environment and other files, is looked at by ReadSecrets and CheckFiles.
//
// The way through the code is that of the data: yaml.go reads YAML and places
// its syntax errors; decode.go puts the nodes into the raw types of raw.go,
// which are the file's keys; checkfabric.go and its neighbors make a Fabric of
// them; checkwhole.go looks at the fabric as a whole. A new key needs a line in
// raw.go, a check, a field of Fabric, and its line in docs/inventory.md.
package inventory
