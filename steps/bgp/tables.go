package bgp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"ipfabric/inventory"
	"ipfabric/steps/step"
)

// Tables is what a route reflector has of the VMs.
type Tables struct {
	Routes Routes                         // all of them
	Tagged map[inventory.Community]Routes // those that carry a community
	Err    error                          // why they are not known
}

// tableFamilies are the names of the address families of which a reflector has
// VMs' routes.
func tableFamilies(f *inventory.Fabric, rr inventory.Host) []string {
	var out []string
	for _, t := range f.Transports() {
		if t.Addr(rr).IsValid() {
			out = append(out, "ipv"+t.Version)
		}
	}
	return out
}

// ReflectorQuestion is Question, and the tables of all routes and of those
// with each community. FRR up to 10.3 does not show the communities in a table,
// and looks for one of them at a time. It is all one call, as each costs more
// than what it answers; and packed, as 10,000 VMs make 30 MB of it, or one.
func ReflectorQuestion(f *inventory.Fabric, rr inventory.Host) []string {
	out := Pack(Question...)
	for _, family := range tableFamilies(f, rr) {
		out = append(out, "-c", fmt.Sprintf("show bgp %s unicast json", family))
		for _, c := range f.Communities {
			out = append(out, "-c", fmt.Sprintf("show bgp %s unicast community %s json", family, c))
		}
	}
	return out
}

// AskReflector asks a route reflector for its neighbors and its tables. Where
// it does not say the latter, it is asked for the former alone.
func AskReflector(ctx context.Context, r step.Reader, f *inventory.Fabric, rr inventory.Host) (Peers, Tables, error) {
	out, err := r.Query(ctx, ReflectorQuestion(f, rr)...)
	if err != nil && step.ExitStatus(err) < 0 {
		return nil, Tables{Err: err}, err
	}
	var peers Peers
	var tables Tables
	if err == nil {
		peers, tables, err = ParseReflector(f, rr, out)
	}
	if err != nil {
		tables = Tables{Err: ShortError(err)}
	}
	if peers == nil {
		peers, err = Ask(ctx, r)
		if err != nil && tables.Err != nil {
			tables.Err = ShortError(err) // not packed, it has what vtysh printed on standard error
		}
	}
	return peers, tables, err
}

// ParseReflector reads the answer to ReflectorQuestion. An error is about the
// answer as a whole; tables have one of their own.
func ParseReflector(f *inventory.Fabric, rr inventory.Host, out string) (Peers, Tables, error) {
	text, err := Unpack(out)
	if err != nil {
		return nil, Tables{}, err
	}
	rest, tables, err := cutTables(text)
	if err != nil {
		return nil, Tables{}, err
	}
	peers, err := ParseFRR(rest)
	if err != nil {
		return nil, Tables{}, err
	}
	if len(tables) == 0 && strings.Contains(text, noBGPD) {
		return peers, Tables{Err: errNoBGPD}, nil
	}
	return peers, readTables(f, tableFamilies(f, rr), tables), nil
}

// cutTables takes the tables of routes out of FRR's documents. The two that
// come before them, about the neighbors, are the rest.
func cutTables(text string) (rest string, tables []string, err error) {
	rest = text
	err = eachDocument(text, func(at int, dec *json.Decoder) error {
		var doc json.RawMessage
		if err := dec.Decode(&doc); err != nil {
			return fmt.Errorf("its JSON cannot be read: %v", err)
		}
		if isTable(doc) {
			if len(tables) == 0 {
				rest = text[:at]
			}
			tables = append(tables, string(doc))
		}
		return nil
	})
	return rest, tables, err
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
func readTables(f *inventory.Fabric, families []string, tables []string) Tables {
	each := 1 + len(f.Communities)
	if len(tables) != len(families)*each {
		return Tables{Err: fmt.Errorf("bgpd showed %d of %d tables of routes", len(tables), len(families)*each)}
	}
	out := Tables{Routes: Routes{}, Tagged: map[inventory.Community]Routes{}}
	for _, c := range f.Communities {
		out.Tagged[c] = Routes{}
	}
	for i, table := range tables {
		into := out.Routes
		if n := i % each; n > 0 {
			into = out.Tagged[f.Communities[n-1]]
		}
		if err := into.Read(f, table); err != nil {
			return Tables{Err: err}
		}
	}
	return out
}
