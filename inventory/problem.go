package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with an inventory, and what to write
// instead.
type Problem struct {
	File   string
	Line   int // from 1; 0 if the problem is not in one place
	Column int // from 1, in characters; 0 if Line is 0
	Msg    string
	Hint   string // what to write or do
}

// A Warning is a Problem that does not make the inventory invalid: the operator may want it so.
type Warning = Problem

// String gives "file:line:column: what is wrong; what to write", with as much
// of the place as there is.
func (p Problem) String() string {
	var b strings.Builder
	switch {
	case p.File != "" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d: ", p.File, p.Line, p.Column)
	case p.File != "":
		b.WriteString(p.File + ": ")
	case p.Line > 0:
		fmt.Fprintf(&b, "line %d, column %d: ", p.Line, p.Column)
	}
	b.WriteString(p.Msg)
	if p.Hint != "" {
		b.WriteString("; ")
		b.WriteString(p.Hint)
	}
	return b.String()
}

// Errors are all problems of an inventory, in the file's order. It is the
// type of every error that this package returns for an inventory.
type Errors []Problem

// Error lists all problems, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Hint says where to look further; each problem has its own hint in Error.
func (e Errors) Hint() string {
	return "`ipfabric inventory example` prints a complete file, `ipfabric help inventory` explains each key"
}

// problems collects what is wrong with one file.
type problems struct {
	file     string
	errors   Errors
	warnings []Warning
}

func (p *problems) errorf(at at, hint, format string, args ...any) {
	p.errors = append(p.errors, p.problem(at, hint, format, args))
}

func (p *problems) warnf(at at, hint, format string, args ...any) {
	p.warnings = append(p.warnings, p.problem(at, hint, format, args))
}

func (p *problems) problem(at at, hint, format string, args []any) Problem {
	return Problem{File: p.file, Line: at.line, Column: at.column, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// sorted puts problems into the file's order; those of the same place keep
// the order in which they were found.
func sorted(list []Problem) []Problem {
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}
