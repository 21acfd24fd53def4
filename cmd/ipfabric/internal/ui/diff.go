package ui

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"ipfabric/steps/step"
)

// How much of a difference is shown.
type Extent int

const (
	InShort    Extent = iota // a screenful: new files by their size, long diffs cut
	Everything               // all of it
)

// ShownLines is how much of one file's diff inShort shows. A diff that is
// hardly longer is shown whole.
const ShownLines = 40

// Diff gives what a step would change, one item after the other.
func Diff(d step.Diff, much Extent, paint func(Style, string) string) string {
	var b strings.Builder
	for _, c := range d {
		b.WriteString(RenderChange(c, much, paint))
	}
	return b.String()
}

// RenderChange gives one difference for people: text as a diff, other values in a line.
func RenderChange(c step.Change, much Extent, paint func(Style, string) string) string {
	if !isText(c.Have) && !isText(c.Want) {
		have, want := cmp.Or(c.Have, "none"), cmp.Or(c.Want, "none")
		return fmt.Sprintf("%s: %s → %s\n", c.Item, paint(red, have), paint(green, want))
	}
	switch {
	case c.Have == "" && much == InShort:
		return fmt.Sprintf("%s: %s\n", c.Item, paint(green, "new, "+Count(lineCount(c.Want), "line")))
	case c.Want == "" && much == InShort:
		return fmt.Sprintf("%s: %s\n", c.Item, paint(red, "to be removed, "+Count(lineCount(c.Have), "line")))
	}
	return c.Item + ":\n" + Indent("  ", unified(c.Have, c.Want, much, paint))
}

// isText says whether a value is shown as lines rather than as a word.
func isText(s string) bool {
	return strings.Contains(strings.TrimRight(s, "\n"), "\n") || strings.HasSuffix(s, "\n")
}

func lineCount(s string) int {
	return strings.Count(strings.TrimRight(s, "\n"), "\n") + 1
}

// unified gives the unified diff of two texts, without the names at its head.
func unified(have, want string, much Extent, paint func(Style, string) string) string {
	text := string(diff.Diff("have", []byte(have), "want", []byte(want)))
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= 3 {
		return "(no difference)\n"
	}
	lines = lines[3:] // diff have want, --- have, +++ want
	left := 0
	if much == InShort && len(lines) > ShownLines+5 {
		left = len(lines) - ShownLines
		lines = lines[:ShownLines]
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(paint(diffStyle(line), line) + "\n")
	}
	if left > 0 {
		fmt.Fprintf(&b, "… and %s; --verbose shows all\n", Count(left, "more line"))
	}
	return b.String()
}

func diffStyle(line string) Style {
	switch {
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	case strings.HasPrefix(line, "@@"):
		return cyan
	}
	return Plain
}
