package inventory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// suggest says what to write instead of a key that the raw struct t does not have.
func suggest(key string, t reflect.Type) string {
	fields := fieldsOf(t)
	if plain, script := latin(key); script != "" {
		if _, known := find(fields, plain); known {
			return fmt.Sprintf("did you mean %s (that is a %s letter)?", plain, script)
		}
		key = plain
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	near := nearest(key, keys)
	if slices.Contains(keys, "addresses") && slices.Contains([]string{"ip", "ips", "ipv4", "ipv6"}, key) {
		near = "addresses"
	}
	isNear := near != ""
	below, isBelow := section(fields, key)
	above, isAbove := section(fieldsOf(reflect.TypeFor[rawFabric]()), key)
	_, isTop := find(fieldsOf(reflect.TypeFor[rawFabric]()), key)
	switch {
	case isNear && isBelow:
		return fmt.Sprintf("did you mean %s, or %s: {%s: ...}?", near, below, key)
	case isBelow:
		return "it belongs under " + below
	case isNear:
		return fmt.Sprintf("did you mean %s?", near)
	case isTop && t != reflect.TypeFor[rawAgent]():
		return "it belongs at the top level of the file"
	case isAbove && t != reflect.TypeFor[rawAgent]():
		return "it belongs under " + above + " at the top level of the file"
	}
	return "write one of " + strings.Join(keys, ", ")
}

// lookalikes are Cyrillic and Greek letters that look like the Latin ones below them.
const (
	lookalikes = "\u0430\u0441\u0435\u04bb\u0456\u0458\u043e\u0440\u0455\u0443\u0445\u0501\u051b\u051d\u03bf\u03bd\u03b1"
	theirLatin = "acehijopsyxdqwova"
)

// latin replaces letters that only look like Latin ones, and returns the script of the first of
// them, "" if there is none.
func latin(s string) (plain, script string) {
	plain = strings.Map(func(r rune) rune {
		i := slices.Index([]rune(lookalikes), r)
		if i < 0 {
			return r
		}
		if script == "" {
			script = "Cyrillic"
			if unicode.Is(unicode.Greek, r) {
				script = "Greek"
			}
		}
		return rune(theirLatin[i])
	}, s)
	return plain, script
}

// section returns the mapping among the fields that has the key.
func section(fields []field, key string) (string, bool) {
	for _, f := range fields {
		if f.typ.Kind() != reflect.Struct {
			continue
		}
		if _, ok := find(fieldsOf(f.typ), key); ok {
			return f.key, true
		}
	}
	return "", false
}

// nearest returns the key or word of the file that s was most likely meant to be, "" if there is none.
func nearest(s string, words []string) string {
	if len(s) < 3 { // as is not a mistyped os
		return ""
	}
	return Nearest(strings.ReplaceAll(strings.ToLower(s), "-", "_"), words)
}

// Nearest returns the word that s was most likely meant to be, "" if none is near. A third of
// the letters may be wrong, or one in a shorter word. Of words that are equally near, the first counts.
func Nearest(s string, words []string) string {
	best, limit := "", max(len(s)/3, 1)+1
	for _, w := range words {
		if d := distance(s, w); d < limit && d < len(s) {
			best, limit = w, d
		}
	}
	return best
}

// distance is how many letters must be added, removed, replaced or swapped
// with their neighbor to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(a) > 64 { // no name is that long
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
