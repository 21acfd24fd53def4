package inventory

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// Keys of hosts are documented once for all kinds of hosts, so the kind is
// left out: `router_id`, not `nodes.router_id`.
func TestEveryKeyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range allKeys("", reflect.TypeFor[rawFabric]()) {
		for _, kind := range []string{"route_reflectors.", "core_gateways.", "nodes."} {
			key = strings.TrimPrefix(key, kind)
		}
		if !strings.Contains(string(doc), "| `"+key+"` |") {
			t.Errorf("docs/inventory.md has no row for `%s`", key)
		}
	}
}

// The document's own examples must be right.
func TestDocumentedFilesAreValid(t *testing.T) {
	doc, err := os.ReadFile("../docs/inventory.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range strings.Split(string(doc), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if !strings.HasPrefix(block, "fabric:") {
			continue
		}
		found++
		_, warnings, err := Parse("fabric.yaml", []byte(block))
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v %v\nin\n%s", err, warnings, block)
		}
	}
	if found == 0 {
		t.Error("no complete file in docs/inventory.md")
	}
}

func TestTheExampleNamesEveryTopLevelKey(t *testing.T) {
	for _, f := range fieldsOf(reflect.TypeFor[rawFabric]()) {
		if !strings.Contains(string(Example()), f.key+":") {
			t.Errorf("example.yaml does not show %s", f.key)
		}
	}
}

func allKeys(prefix string, t reflect.Type) []string {
	if items, ok := t.FieldByName("items"); ok {
		return allKeys(prefix, items.Type.Elem())
	}
	var out []string
	for _, f := range fieldsOf(t) {
		out = append(out, prefix+f.key)
		out = append(out, allKeys(prefix+f.key+".", f.typ)...)
	}
	return out
}
