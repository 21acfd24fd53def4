package step

import (
	"fmt"
	"slices"
	"strings"
)

// CutLast cuts s at the last sep, as strings.Cut does at the first.
func CutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// AndList gives "a", "a and b", "a, b and c".
func AndList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// Have gives "rr1 has", "rr1 and rr2 have".
func Have(names []string) string {
	if len(names) == 1 {
		return names[0] + " has"
	}
	return AndList(names) + " have"
}

// Some joins the first few of a list.
func Some(list []string, sep string) string { return SomeOf(list, 4, sep) }

// SomeOf joins the first so many of a list.
func SomeOf(list []string, most int, sep string) string {
	if len(list) > most {
		list = append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return strings.Join(list, sep)
}
