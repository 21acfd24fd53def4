package inventory

import (
	"fmt"
	"reflect"
	"strings"
)

// suggest says what to write instead of a key that the raw struct t has not.
func suggest(key string, t reflect.Type) string {
	fields := fieldsOf(t)
	for _, f := range fields {
		if f.typ.Kind() != reflect.Struct {
			continue
		}
		if _, ok := find(fieldsOf(f.typ), key); ok {
			return fmt.Sprintf("it belongs under %s", f.key)
		}
	}
	if _, ok := find(fieldsOf(reflect.TypeFor[rawFabric]()), key); ok && t != reflect.TypeFor[rawAgent]() {
		return "it belongs at the top level of the file"
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	if near, ok := nearest(key, keys); ok {
		return fmt.Sprintf("did you mean %s?", near)
	}
	return "write one of " + strings.Join(keys, ", ")
}

// nearest returns the word that s was most likely meant to be, if any.
func nearest(s string, words []string) (string, bool) {
	s = strings.ReplaceAll(strings.ToLower(s), "-", "_")
	best, limit := "", max(1, len(s)/3)+1
	for _, w := range words {
		if d := distance(s, w); d < limit {
			best, limit = w, d
		}
	}
	return best, best != ""
}

// distance is how many letters must be added, removed, replaced or swapped
// with their neighbor to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 { // no key is that long
		return len(a)
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
