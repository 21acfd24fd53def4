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
func Diff(d step.Diff, extent Extent, paint func(Style, string) string) string {
	var b strings.Builder
	for _, c := range d {
		b.WriteString(RenderChange(c, extent, paint))
	}
	return b.String()
}

// RenderChange gives one difference for people: text as a diff, other values in a line.
func RenderChange(c step.Change, extent Extent, paint func(Style, string) string) string {
	if !isText(c.Have) && !isText(c.Want) {
		have, want := cmp.Or(c.Have, "none"), cmp.Or(c.Want, "none")
		return fmt.Sprintf("%s: %s → %s\n", c.Item, paint(red, have), paint(green, want))
	}
	switch {
	case c.Have == "" && extent == InShort:
		return fmt.Sprintf("%s: %s\n", c.Item, paint(green, "new, "+Count(lineCount(c.Want), "line")))
	case c.Want == "" && extent == InShort:
		return fmt.Sprintf("%s: %s\n", c.Item, paint(red, "to be removed, "+Count(lineCount(c.Have), "line")))
	}
	text := unified(c.Have, c.Want, paint)
	if extent == InShort {
		text = changedLines(c.Have, c.Want, paint)
	}
	return c.Item + ":\n" + Indent("  ", text)
}

// isText says whether a value is shown as lines rather than as a word.
func isText(s string) bool {
	return strings.Contains(strings.TrimRight(s, "\n"), "\n") || strings.HasSuffix(s, "\n")
}

func lineCount(s string) int {
	return strings.Count(strings.TrimRight(s, "\n"), "\n") + 1
}

// diffLines are the lines of the unified diff of two texts, without the names at
// its head.
func diffLines(have, want string) []string {
	text := string(diff.Diff("have", []byte(have), "want", []byte(want)))
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= 3 {
		return nil
	}
	return lines[3:] // diff have want, --- have, +++ want
}

// unified gives the unified diff of two texts.
func unified(have, want string, paint func(Style, string) string) string {
	var b strings.Builder
	for _, line := range diffLines(have, want) {
		b.WriteString(paint(diffStyle(line), line) + "\n")
	}
	return cmp.Or(b.String(), "(no difference)\n")
}

// changedLines gives the lines in which two texts differ, each group of them
// below the blocks that it stands in, which are known by their indentation. The
// lines around are left out: where they differ from host to host, the same
// change would look like another one on each.
func changedLines(have, want string, paint func(Style, string) string) string {
	var lines []string
	var outer []string // the lines that the next one may stand in
	last := ""         // the blocks of the last line that was shown
	for _, line := range diffLines(strings.TrimRight(have, "\n")+"\n", strings.TrimRight(want, "\n")+"\n") {
		if strings.HasPrefix(line, "@@") {
			outer = before(want, line)
			last = ""
			continue
		}
		text := line[1:]
		outer = enclosing(outer, text)
		if line[0] == '+' || line[0] == '-' {
			if in := trimmed(outer); in != "" && in != last {
				lines = append(lines, paint(cyan, "@@ "+in))
				last = in
			}
			lines = append(lines, paint(diffStyle(line), line))
		}
		outer = append(outer, text)
	}
	if len(lines) == 0 {
		return "(no difference)\n"
	}
	if left := len(lines) - ShownLines; left > 5 {
		lines = append(lines[:ShownLines], fmt.Sprintf("… and %s; --verbose shows all", Count(left, "more line")))
	}
	return strings.Join(lines, "\n") + "\n"
}

// before returns the blocks that are open where a hunk "@@ -1,4 +7,4 @@" of a
// diff begins in the new text.
func before(want, hunk string) []string {
	var from, at, n int
	if _, err := fmt.Sscanf(strings.NewReplacer(",", " ", "+", "", "-", "").Replace(hunk), "@@ %d %d %d", &from, &n, &at); err != nil {
		return nil
	}
	var outer []string
	lines := strings.Split(want, "\n")
	for _, line := range lines[:max(0, min(at-1, len(lines)))] {
		outer = append(enclosing(outer, line), line)
	}
	return outer
}

// enclosing leaves those of the open blocks that a line stands in: lines that
// are indented less than it.
func enclosing(outer []string, line string) []string {
	for len(outer) > 0 && indentation(outer[len(outer)-1]) >= indentation(line) {
		outer = outer[:len(outer)-1]
	}
	return outer
}

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// trimmed puts the names of blocks into one line.
func trimmed(outer []string) string {
	var names []string
	for _, line := range outer {
		names = append(names, strings.TrimSpace(line))
	}
	return strings.Join(names, " › ")
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
