package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

// The only code that prints, and how it does:
//
//   - Results, such as the table of list, go to stdout. What is going on, and
//     what went wrong, goes to stderr.
//   - Progress is one line for each thing that was done, once it is done. Only
//     what takes more than a few seconds is announced.
//   - An error is "ipfabric-lab: what is wrong", and "hint: what to do" below
//     it. Nothing in capitals, no exclamation marks, no colors.

const (
	exitError       = 1
	exitUsage       = 64
	exitInterrupted = 130
)

// A sayer prints, one call at a time.
type sayer struct {
	mu          sync.Mutex
	out, errout io.Writer
}

func newSay(out, errout io.Writer) *sayer { return &sayer{out: out, errout: errout} }

// progress prints one line on stderr.
func (s *sayer) progress(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.errout, format+"\n", args...)
}

// result prints on stdout as it is.
func (s *sayer) result(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, format, args...)
}

// json prints a result as indented JSON.
func (s *sayer) json(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	s.result("%s\n", data)
	return nil
}

// table prints rows as a result, their cells in columns.
func (s *sayer) table(rows [][]string) error {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		_, _ = w.Write([]byte(strings.Join(cells, "\t") + "\n"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	s.result("%s", b.String())
	return nil
}

// usageError is an error in what was typed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitStatus is the exit code of a command that was run for the user and has
// said itself what was wrong.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// exit says what went wrong, if something did, and returns the exit code.
func (s *sayer) exit(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	var status exitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	if ctx.Err() != nil {
		s.progress("ipfabric-lab: interrupted\nhint: run it again to go on from here; `ipfabric-lab down` removes what is there")
		return exitInterrupted
	}
	s.progress("ipfabric-lab: %v", err)
	if h := hint.Of(err); h != "" {
		s.progress("hint: %s", h)
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitError
}
