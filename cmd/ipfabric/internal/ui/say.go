package ui

// This package has all the code of the program that prints. The
// rules of what it says:
//
//   - Standard output has what was asked for and nothing else: the plan, the
//     table, the snippet, the JSON. It can be piped and parsed.
//   - Standard error has the rest: progress, notes, warnings, errors, hints.
//     Lines that are not progress begin with "ipfabric: ".
//   - Lower case, no full stop at the end, no exclamation marks. Names and
//     commands stand so that they can be copied.
//   - Every error has a hint that says what to do now. A failure of a run
//     ends with the path of its log file.
//   - A question goes to the terminal, and only where somebody can answer:
//     standard input is a terminal. Otherwise it is an error that names the
//     flag. The answer to an empty line is no.
//   - Colour is for terminals, without NO_COLOR and TERM=dumb. It only adds:
//     the text says the same without it.
//   - With --json an error is one line on standard error, a JSON object with
//     code, error and hint.
//   - With --progress json every line on standard error is a JSON object.
//   - Secrets are masked by the writers (mask.go), not by those who print.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/run"
)

// A Sayer speaks to the operator.
type Sayer struct {
	mu      sync.Mutex // whole messages, never mixed
	out     io.Writer
	err     io.Writer
	outTTY  bool // standard output takes colour
	errTTY  bool // standard error takes colour
	Verbose bool
	JSON    bool // standard error has JSON lines
	// jsonErrors has each error on standard error as one line, a JSON object
	// with code, error and hint: for commands with --json.
	JSONErrors bool
	Log        *RunLog

	Lost error // why a result could not be written
}

// NewSayer speaks on these writers, whose secrets mask hides.
func NewSayer(out, err io.Writer, mask *Masker, env LookupEnv) *Sayer {
	colour := wantsColour(env)
	return &Sayer{
		out: mask.writer(out), outTTY: colour && IsTerminal(out),
		err: mask.writer(err), errTTY: colour && IsTerminal(err),
		Log: newRunLog(),
	}
}

// Result prints what was asked for.
func (s *Sayer) Result(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Log.Record("", "%s", strings.TrimRight(text, "\n"))
	// It must not end a run in the middle, but be told in the end. A reader
	// that has gone, as head, has what it wanted.
	if _, err := io.WriteString(s.out, text); err != nil && !errors.Is(err, syscall.EPIPE) && s.Lost == nil {
		s.Lost = fmt.Errorf("the output could not be written: %v", err)
	}
}

// ResultJSON prints v as indented JSON.
func (s *Sayer) ResultJSON(v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	s.Result(b.String())
	return nil
}

// Note prints one message on standard error.
func (s *Sayer) Note(format string, args ...any) {
	s.message("note", Dim, fmt.Sprintf(format, args...))
}

// Warn prints a warning on standard error.
func (s *Sayer) Warn(format string, args ...any) {
	s.message("warning", yellow, fmt.Sprintf(format, args...))
}

func (s *Sayer) hint(format string, args ...any) {
	s.message("hint", cyan, fmt.Sprintf(format, args...))
}

// Failure prints an error with its hint.
func (s *Sayer) Failure(err error) {
	if s.JSONErrors {
		s.errorLine(err)
		return
	}
	var problems inventory.Errors
	if errors.As(err, &problems) {
		for _, p := range problems { // each on a line of its own, as compilers do
			s.message("error", red, p.String())
		}
		s.hint("%s", problems.Hint())
		return
	}
	text := strings.TrimRight(err.Error(), "\n")
	s.message("error", red, text)
	if h := HintOf(err); h != "" && !strings.Contains(text, h) {
		s.hint("%s", h)
	}
}

// Failures prints errors, each text and each hint only once: a hundred hosts may
// all have the same one.
func (s *Sayer) Failures(errs []error) {
	seen := map[string]bool{}
	said := map[string]bool{}
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		before := said[err.Error()]
		said[err.Error()] = true
		return before
	})
	for i, err := range errs {
		if s.JSONErrors {
			s.errorLine(err)
			continue
		}
		s.message("error", red, strings.TrimRight(err.Error(), "\n"))
		h := HintOf(err)
		later := false
		for _, e := range errs[i+1:] {
			later = later || HintOf(e) == h
		}
		if h != "" && !later && !seen[h] && !strings.Contains(err.Error(), h) {
			s.hint("%s", h)
			seen[h] = true
		}
	}
}

// errorLine prints an error as one JSON object: code, error and hint, and what
// the events of --progress json have too if these are asked for.
func (s *Sayer) errorLine(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := vm.ErrorOf(err, CodeOf(err))
	s.Log.Record("", "error: %s", e.Msg)
	if !s.JSON {
		s.jsonLine(e)
		return
	}
	s.jsonLine(struct {
		Time time.Time `json:"time"`
		Type string    `json:"type"`
		Text string    `json:"text"`
		*vm.Error
	}{time.Now().UTC(), "error", e.Msg, e})
}

// message prints one message on standard error; further lines of it are
// indented.
func (s *Sayer) message(kind string, c Style, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Log.Record("", "%s: %s", kind, text)
	if s.JSON {
		s.jsonLine(struct {
			Time time.Time `json:"time"`
			Type string    `json:"type"`
			Text string    `json:"text"`
		}{time.Now().UTC(), kind, text})
		return
	}
	label := kind + ": "
	if kind == "note" {
		label = ""
	}
	lines := strings.Split(text, "\n")
	fmt.Fprintf(s.err, "ipfabric: %s%s\n", s.paint(s.errTTY, c, label), strings.Join(lines, "\n    "))
}

// progress prints one line of progress, or its JSON form.
func (s *Sayer) progress(line string, c Style, event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.JSON {
		s.jsonLine(event)
		return
	}
	fmt.Fprintln(s.err, s.paint(s.errTTY, c, line))
}

func (s *Sayer) jsonLine(v any) {
	enc := json.NewEncoder(s.err)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// Debug records what only a closer look needs, and prints it with --verbose.
func (s *Sayer) Debug(host, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.Log.Record(host, "%s", text)
	if !s.Verbose || s.JSON {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.err, s.paint(s.errTTY, Dim, strings.TrimSpace(host+"  "+text)))
}

// A LookupEnv is os.LookupEnv, or what a test has in its place.
type LookupEnv func(string) (string, bool)

// wantsColour follows no-color.org.
func wantsColour(env LookupEnv) bool {
	if v, _ := env("NO_COLOR"); v != "" {
		return false
	}
	t, _ := env("TERM")
	return t != "dumb"
}

// IsTerminal says whether a reader or writer is a terminal.
func IsTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// A Style is the SGR parameter of a colour (ECMA-48 8.3.117).
type Style string

const (
	Plain  Style = ""
	Bold   Style = "1"
	Dim    Style = "2"
	red    Style = "31"
	green  Style = "32"
	yellow Style = "33"
	cyan   Style = "36"
)

func (s *Sayer) paint(tty bool, c Style, text string) string {
	if !tty || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// OnOut paints text for standard output.
func (s *Sayer) OnOut(c Style, text string) string { return s.paint(s.outTTY, c, text) }

// StateStyle is the colour of a state.
func StateStyle(s run.State) Style {
	switch s {
	case run.Changed:
		return green
	case run.Failed:
		return red
	case run.Differs, run.Skipped:
		return yellow
	case run.InSync, run.Checking:
		return Dim
	}
	return Plain
}
