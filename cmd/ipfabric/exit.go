package main

import (
	"context"
	"errors"
	"fmt"
)

// The exit codes. They are part of the interface: scripts rely on them, and
// `ipfabric help` lists them.
const (
	exitOK          = 0
	exitFailed      = 1   // an error; nothing else fits
	exitChanges     = 2   // plan: something differs
	exitHosts       = 3   // some hosts failed, the others are done
	exitUnhealthy   = 4   // verify found a problem
	exitUsage       = 64  // command line or inventory; no host was touched (EX_USAGE of sysexits.h)
	exitInterrupted = 130 // 128 + SIGINT, as shells say it
)

// A codedError is an error with an exit code of its own. Without an error
// inside, the command has said everything already and only the code is left.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *codedError) Unwrap() error { return e.err }

// exitWith ends the program with code and prints nothing more.
func exitWith(code int) error { return &codedError{code: code} }

// usage marks an error of the command line or the inventory.
func usage(err error) error { return &codedError{code: exitUsage, err: err} }

// usagef is usage of a new error with a hint.
func usagef(hint, format string, args ...any) error {
	return usage(withHint(fmt.Errorf(format, args...), hint))
}

// exitCode is the process's exit code for what run returned.
func exitCode(err error) int {
	var coded *codedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// A hintedError says what to do about it.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Hint() string  { return e.hint }
func (e *hintedError) Unwrap() error { return e.error }

func withHint(err error, hint string) error { return &hintedError{err, hint} }

// hintOf returns the outermost hint in the error's chain, or "".
func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// errInterrupted is why a run was cancelled.
var errInterrupted = errors.New("interrupted")
