// Package inventory reads fabric.yaml, the one file that says what a fabric
// is, and the agent.yaml that each node's agent gets of it.
//
// Load and Parse return a Fabric whose values and relations are all checked,
// or Errors: every problem of the file, each with its line, its column and what
// to write instead. They read only that file. ReadSecrets and CheckFiles read
// what it refers to: the environment and other files.
//
// To read the code, follow the data: yaml.go parses YAML and finds the line of
// a syntax error; decode.go puts the nodes into the raw types of raw.go,
// which are the file's keys; checkfabric.go and the other check files make a Fabric of
// them; checkwhole.go looks at the fabric as a whole. A new key needs a line in
// raw.go, a check, a field of Fabric, and its line in docs/inventory.md.
package inventory
