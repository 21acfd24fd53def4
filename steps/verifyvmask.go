package steps

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"ipfabric/inventory"
)

// agentVMs is what a node's agent says of its VMs.
type agentVMs struct {
	vms     []VM
	drained bool // the whole node is
	healthy bool
	err     error // why they are not known
}

// listVMs asks a node's agent for its VMs.
func listVMs(ctx context.Context, r Reader, node string) ([]VM, error) {
	out, err := r.Query(ctx, agentCommand("vm", "list", "--json")...)
	if said := agentSaid(err); said != nil {
		return nil, said
	}
	if err != nil {
		return nil, err
	}
	return parseVMs(node, out)
}

// rrTables is what a route reflector has of the VMs.
type rrTables struct {
	routes vmRoutes                         // all of them
	tagged map[inventory.Community]vmRoutes // those that carry a community
	err    error                            // why they are not known
}

// tableFamilies are the names of the address families of which a reflector has
// VMs' routes.
func tableFamilies(f *inventory.Fabric, rr inventory.Host) []string {
	var out []string
	for _, t := range transports(f) {
		if t.addr(rr).IsValid() {
			out = append(out, "ipv"+t.version)
		}
	}
	return out
}

// reflectorQuestion is frrQuestion, and the tables of all routes and of those
// with each community. FRR up to 10.3 does not show the communities in a table,
// and looks for one of them at a time. It is all one call, as each costs more
// than what it answers; and packed, as 10,000 VMs make 30 MB of it, or one.
func reflectorQuestion(f *inventory.Fabric, rr inventory.Host) []string {
	out := packed(frrQuestion...)
	for _, family := range tableFamilies(f, rr) {
		out = append(out, "-c", fmt.Sprintf("show bgp %s unicast json", family))
		for _, c := range f.Communities {
			out = append(out, "-c", fmt.Sprintf("show bgp %s unicast community %s json", family, c))
		}
	}
	return out
}

// askReflector asks a route reflector for its neighbors and its tables. Where
// it does not say the latter, it is asked for the former alone.
func askReflector(ctx context.Context, r Reader, f *inventory.Fabric, rr inventory.Host) (bgpPeers, rrTables, error) {
	out, err := r.Query(ctx, reflectorQuestion(f, rr)...)
	if err != nil && exitStatus(err) < 0 {
		return nil, rrTables{err: err}, err
	}
	var peers bgpPeers
	var tables rrTables
	if err == nil {
		peers, tables, err = parseReflector(f, rr, out)
	}
	if err != nil {
		tables = rrTables{err: frrError(err)}
	}
	if peers == nil {
		peers, err = askFRR(ctx, r)
	}
	return peers, tables, err
}

// parseReflector reads the answer to reflectorQuestion. An error is about the
// answer as a whole; tables have one of their own.
func parseReflector(f *inventory.Fabric, rr inventory.Host, out string) (bgpPeers, rrTables, error) {
	text, err := unpack(out)
	if err != nil {
		return nil, rrTables{}, err
	}
	rest, tables, err := cutTables(text)
	if err != nil {
		return nil, rrTables{}, err
	}
	peers, err := parseFRR(rest)
	if err != nil {
		return nil, rrTables{}, err
	}
	return peers, readTables(f, tableFamilies(f, rr), tables), nil
}

// cutTables takes the tables of routes out of FRR's documents. The two that
// come before them, about the neighbors, are the rest.
func cutTables(text string) (rest string, tables []string, err error) {
	rest = text
	for at := 0; ; {
		start := documentStart(text[at:])
		if start < 0 {
			return rest, tables, nil
		}
		at += start
		dec := json.NewDecoder(strings.NewReader(text[at:]))
		var doc json.RawMessage
		if err := dec.Decode(&doc); err != nil {
			return "", nil, fmt.Errorf("its JSON cannot be read: %v", err)
		}
		if isTable(doc) {
			if len(tables) == 0 {
				rest = text[:at]
			}
			tables = append(tables, string(doc))
		}
		at += int(dec.InputOffset())
	}
}

// isTable says whether a document is a table of routes: the first of its
// members say so, and it may have millions of others.
func isTable(doc []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(doc))
	if _, err := dec.Token(); err != nil { // its brace
		return false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return false
		}
		if key == "routes" {
			return true
		}
		value, err := dec.Token()
		if err != nil {
			return false
		}
		if _, nested := value.(json.Delim); nested {
			return false // a neighbor, or a family of the summary
		}
	}
	return false
}

// readTables reads the tables in the order in which they were asked for.
func readTables(f *inventory.Fabric, families []string, tables []string) rrTables {
	each := 1 + len(f.Communities)
	if len(tables) != len(families)*each {
		return rrTables{err: fmt.Errorf("bgpd showed %d of %d tables of routes", len(tables), len(families)*each)}
	}
	out := rrTables{routes: vmRoutes{}, tagged: map[inventory.Community]vmRoutes{}}
	for _, c := range f.Communities {
		out.tagged[c] = vmRoutes{}
	}
	for i, table := range tables {
		into := out.routes
		if n := i % each; n > 0 {
			into = out.tagged[f.Communities[n-1]]
		}
		if err := into.read(f, table); err != nil {
			return rrTables{err: err}
		}
	}
	return out
}
