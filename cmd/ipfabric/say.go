package main

// This file and progress.go are all the code of the program that prints. The
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
	"ipfabric/steps/run"
)

// A sayer speaks to the operator.
type sayer struct {
	mu      sync.Mutex // whole messages, never mixed
	out     io.Writer
	err     io.Writer
	outTTY  bool // standard output takes colour
	errTTY  bool // standard error takes colour
	verbose bool
	json    bool // standard error has JSON lines
	log     *runLog

	lost error // why a result could not be written
}

func newSayer(out, err io.Writer, mask *masker, env lookupEnv) *sayer {
	colour := wantsColour(env)
	return &sayer{
		out: mask.writer(out), outTTY: colour && isTerminal(out),
		err: mask.writer(err), errTTY: colour && isTerminal(err),
		log: newRunLog(),
	}
}

// result prints what was asked for.
func (s *sayer) result(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.record("", "%s", strings.TrimRight(text, "\n"))
	// It must not end a run in the middle, but be told in the end. A reader
	// that has gone, as head, has what it wanted.
	if _, err := io.WriteString(s.out, text); err != nil && !errors.Is(err, syscall.EPIPE) && s.lost == nil {
		s.lost = fmt.Errorf("the output could not be written: %v", err)
	}
}

// resultJSON prints v as indented JSON.
func (s *sayer) resultJSON(v any) error {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	s.result(b.String())
	return nil
}

func (s *sayer) note(format string, args ...any) {
	s.message("note", dim, fmt.Sprintf(format, args...))
}

func (s *sayer) warn(format string, args ...any) {
	s.message("warning", yellow, fmt.Sprintf(format, args...))
}

func (s *sayer) hint(format string, args ...any) {
	s.message("hint", cyan, fmt.Sprintf(format, args...))
}

// failure prints an error with its hint.
func (s *sayer) failure(err error) {
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
	if h := hintOf(err); h != "" && !strings.Contains(text, h) {
		s.hint("%s", h)
	}
}

// failures prints errors, each text and each hint only once: a hundred hosts may
// all have the same one.
func (s *sayer) failures(errs []error) {
	seen := map[string]bool{}
	said := map[string]bool{}
	errs = slices.DeleteFunc(slices.Clone(errs), func(err error) bool {
		before := said[err.Error()]
		said[err.Error()] = true
		return before
	})
	for i, err := range errs {
		s.message("error", red, strings.TrimRight(err.Error(), "\n"))
		h := hintOf(err)
		later := false
		for _, e := range errs[i+1:] {
			later = later || hintOf(e) == h
		}
		if h != "" && !later && !seen[h] && !strings.Contains(err.Error(), h) {
			s.hint("%s", h)
			seen[h] = true
		}
	}
}

// message prints one message on standard error; further lines of it are
// indented.
func (s *sayer) message(kind string, c style, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.record("", "%s: %s", kind, text)
	if s.json {
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
func (s *sayer) progress(line string, c style, event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.json {
		s.jsonLine(event)
		return
	}
	fmt.Fprintln(s.err, s.paint(s.errTTY, c, line))
}

func (s *sayer) jsonLine(v any) {
	enc := json.NewEncoder(s.err)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}

// debug records what only a closer look needs, and prints it with --verbose.
func (s *sayer) debug(host, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	s.log.record(host, "%s", text)
	if !s.verbose || s.json {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.err, s.paint(s.errTTY, dim, strings.TrimSpace(host+"  "+text)))
}

type lookupEnv func(string) (string, bool)

// wantsColour follows no-color.org.
func wantsColour(env lookupEnv) bool {
	if v, _ := env("NO_COLOR"); v != "" {
		return false
	}
	t, _ := env("TERM")
	return t != "dumb"
}

func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// A style is the SGR parameter of a colour (ECMA-48 8.3.117).
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

func (s *sayer) paint(tty bool, c style, text string) string {
	if !tty || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// onOut paints text for standard output.
func (s *sayer) onOut(c style, text string) string { return s.paint(s.outTTY, c, text) }

func stateStyle(s run.State) style {
	switch s {
	case run.Changed:
		return green
	case run.Failed:
		return red
	case run.Differs, run.Skipped:
		return yellow
	case run.InSync, run.Checking:
		return dim
	}
	return plain
}
