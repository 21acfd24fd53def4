package ui

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Count gives "no node", "1 node", "2 nodes".
func Count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// A Cell of a table.
type Cell struct {
	Text  string
	Style Style
}

// A Table has columns as wide as their widest cell, two spaces apart. It
// counts letters, not the escape sequences of colours, as text/tabwriter does.
// With a width, a first cell that would make a line longer stands on a line of its own.
type Table struct {
	indent string
	width  int
	rows   [][]Cell
}

// Head sets the titles of the columns.
func (t *Table) Head(titles ...string) {
	var row []Cell
	for _, title := range titles {
		row = append(row, Cell{title, Bold})
	}
	t.rows = append(t.rows, row)
}

// Row adds a row.
func (t *Table) Row(cells ...Cell) { t.rows = append(t.rows, cells) }

// Render gives the table's lines; paint is sayer.onOut or noStyle.
func (t *Table) Render(paint func(Style, string) string) string {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if t.width == 0 || i > 0 {
				widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
			}
		}
	}
	if t.width > 0 {
		room := t.width - len(t.indent)
		for _, w := range widths[1:] {
			room -= w + 2
		}
		for _, row := range t.rows {
			if n := utf8.RuneCountInString(row[0].Text); n <= room {
				widths[0] = max(widths[0], n)
			}
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		pad := t.indent
		for i, c := range row {
			if c.Text != "" {
				line.WriteString(pad + paint(c.Style, c.Text))
				pad = ""
			}
			n := utf8.RuneCountInString(c.Text)
			if n > widths[i] {
				line.WriteString("\n")
				pad, n = t.indent, 0
			}
			pad += strings.Repeat(" ", widths[i]-n+2)
		}
		b.WriteString(line.String() + "\n")
	}
	return b.String()
}

// NoStyle paints nothing: for files and pipes.
func NoStyle(_ Style, text string) string { return text }

// Indent puts a prefix before each line.
func Indent(prefix, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return prefix + strings.Join(lines, "\n"+prefix) + "\n"
}

// OneLine returns the first line of a text, with at most so many characters.
func OneLine(text string, most int) string {
	line := FirstLine(text)
	cut := len(line) < len(strings.TrimSpace(text))
	if r := []rune(line); len(r) > most || cut && len(r) > most-2 {
		return string(r[:most-1]) + "…"
	}
	if cut {
		return line + " …"
	}
	return line
}

// FirstLine returns the first line of a text.
func FirstLine(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return first
}

// Short gives a duration in a form to be read: 350ms, 12.3s, 2m3s.
func Short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
