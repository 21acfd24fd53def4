package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// count gives "no node", "1 node", "2 nodes".
func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// A cell of a table.
type cell struct {
	text  string
	style style
}

// A table has columns as wide as their widest cell, two spaces apart. It
// counts letters, not the escape sequences of colours, as text/tabwriter does.
type table struct {
	indent string
	rows   [][]cell
}

func (t *table) head(titles ...string) {
	var row []cell
	for _, title := range titles {
		row = append(row, cell{title, bold})
	}
	t.rows = append(t.rows, row)
}

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

// render gives the table's lines; paint is sayer.onOut or noStyle.
func (t *table) render(paint func(style, string) string) string {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		pad := t.indent
		for i, c := range row {
			if c.text != "" {
				line.WriteString(pad + paint(c.style, c.text))
				pad = ""
			}
			pad += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2)
		}
		b.WriteString(line.String() + "\n")
	}
	return b.String()
}

func noStyle(_ style, text string) string { return text }

// indent puts a prefix before each line.
func indent(prefix, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return prefix + strings.Join(lines, "\n"+prefix) + "\n"
}

// oneLine returns the first line of a text, with at most so many characters.
func oneLine(text string, most int) string {
	line := firstLine(text)
	cut := len(line) < len(strings.TrimSpace(text))
	if r := []rune(line); len(r) > most || cut && len(r) > most-2 {
		return string(r[:most-1]) + "…"
	}
	if cut {
		return line + " …"
	}
	return line
}

func firstLine(s string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return first
}

// short gives a duration in a form to be read: 350ms, 12.3s, 2m3s.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
