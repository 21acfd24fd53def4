package inventory

import (
	"fmt"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// at is the place of a value in the file.
type at struct {
	line, column int
	bad          bool // the value was refused already: no further error about it
}

func (a *at) place() *at { return a }

// given says whether the file has the key, with any value.
func (a at) given() bool { return a.line > 0 }

// text is a single value as it is written, not parsed yet.
type text struct {
	at
	s string
}

// list is a YAML list of values or mappings.
type list[T any] struct {
	at
	items []T
}

// add appends an empty item and returns a pointer to it.
func (l *list[T]) add() any {
	l.items = append(l.items, *new(T))
	return &l.items[len(l.items)-1]
}

type located interface{ place() *at }

type lister interface {
	located
	add() any
}

// decode puts a YAML node into a text, a list or a raw struct, and records an error for
// everything that does not fit there. Errors name the node by the path.
func (p *problems) decode(n *yaml.Node, path, example string, into located) {
	where := into.place()
	where.line, where.column = n.Line, n.Column
	if n.Kind == yaml.AliasNode {
		where.bad = true
		p.errorf(*where, "write the value out", "%s: YAML aliases are not supported", path)
		return
	}
	if n.Style&yaml.TaggedStyle != 0 {
		where.bad = true
		p.errorf(*where, "remove the tag "+quote(n.Tag), "%s: YAML tags are not supported", path)
		return
	}
	switch into := into.(type) {
	case *text:
		p.decodeText(n, path, example, into)
	case lister:
		p.decodeList(n, path, example, into)
	case *rawSecret:
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			where.bad = true
			p.errorf(*where, "write password: {env: NAME} or password: {file: PATH}", "%s: the file must not hold the password itself", path)
			return
		}
		p.decodeMapping(n, path, example, into)
	case *rawBFD:
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			into.Enabled = text{at: *where, s: n.Value}
			return
		}
		p.decodeMapping(n, path, example, into)
	case *rawProtect:
		if n.Kind == yaml.ScalarNode && !isNull(n) {
			into.Enabled = text{at: *where, s: n.Value}
			return
		}
		p.decodeMapping(n, path, example, into)
	default:
		p.decodeMapping(n, path, example, into)
	}
}

func (p *problems) decodeText(n *yaml.Node, path, example string, t *text) {
	switch {
	case n.Kind != yaml.ScalarNode:
		t.bad = true
		p.errorf(t.at, writeExample(example), "%s is %s, not a single value", path, kindName(n))
	case isNull(n):
		t.bad = true
		p.errorf(t.at, writeExample(example), "%s has no value", path)
	default:
		t.s = n.Value
	}
}

func (p *problems) decodeList(n *yaml.Node, path, example string, l lister) {
	if isNull(n) { // `nodes:` with its entries commented out
		return
	}
	if n.Kind != yaml.SequenceNode {
		l.place().bad = true
		p.errorf(*l.place(), writeExample(example), "%s is %s, not a list", path, kindName(n))
		return
	}
	for _, item := range n.Content {
		if isNull(item) {
			p.errorf(at{line: item.Line, column: item.Column}, "remove it or write a value", "%s has an empty entry", path)
			continue
		}
		into := l.add().(located)
		if item.Kind != yaml.MappingNode && isMapping(into) {
			*into.place() = at{line: item.Line, column: item.Column, bad: true}
			p.errorf(*into.place(), writeExample(example), "an entry of %s is %s, not a mapping of keys to values", path, kindName(item))
			continue
		}
		p.decode(item, path, example, into)
	}
}

func (p *problems) decodeMapping(n *yaml.Node, path, example string, into located) {
	where := into.place()
	if isNull(n) { // `bgp:` with its keys commented out
		return
	}
	if n.Kind != yaml.MappingNode {
		where.bad = true
		p.errorf(*where, writeExample(example), "%s is %s, not a mapping of keys to values", orFile(path), kindName(n))
		return
	}
	fields := fieldsOf(reflect.TypeOf(into).Elem())
	first := map[string]int{} // the line of each key
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		place := at{line: key.Line, column: key.Column}
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			p.errorf(place, "write the keys out one by one", "%s: merge keys, aliases and lists as keys are not supported", orFile(path))
			continue
		}
		f, known := find(fields, key.Value)
		if !known {
			p.errorf(place, suggest(key.Value, reflect.TypeOf(into).Elem()), "unknown key %s", quote(join(path, key.Value)))
			continue
		}
		if line, twice := first[f.key]; twice {
			p.errorf(place, fmt.Sprintf("remove this one or that in line %d", line), "%s is there twice", join(path, f.key))
			continue
		}
		first[f.key] = key.Line
		if isNull(value) || value.Kind != yaml.ScalarNode && value.Line > key.Line {
			// There is no value, or it begins on a later line: the key is the better place.
			value.Line, value.Column = key.Line, key.Column
		}
		field := reflect.ValueOf(into).Elem().Field(f.index).Addr().Interface().(located)
		p.decode(value, join(path, f.key), f.example, field)
	}
}

// A field is one key of a raw struct.
type field struct {
	index        int
	key, example string
	typ          reflect.Type
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		if key, ok := f.Tag.Lookup("key"); ok {
			out = append(out, field{index: i, key: key, example: f.Tag.Get("eg"), typ: f.Type})
		}
	}
	return out
}

func find(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

// isNull says whether there is no value, or null or ~. In quotes, these are words.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style&yaml.TaggedStyle == 0
}

func isMapping(into located) bool { return len(fieldsOf(reflect.TypeOf(into).Elem())) > 0 }

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a single value"
}

func writeExample(example string) string {
	if example == "" {
		return ""
	}
	return "write " + example
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orFile(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

// quote shows a value of the file in an error. What is not plain ASCII is
// escaped, so that a Cyrillic letter that looks like a Latin one is seen.
func quote(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return fmt.Sprintf("%+q", strings.ToValidUTF8(s, "?"))
}
