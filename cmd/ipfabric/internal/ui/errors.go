package ui

import (
	"context"
	"errors"
	"fmt"

	"ipfabric/inventory/vm"
	"ipfabric/steps/vms"
)

// The exit codes. They are part of the interface: scripts rely on them, and
// `ipfabric help` lists them.
const (
	ExitOK          = 0
	ExitFailed      = 1   // an error; nothing else fits
	ExitChanges     = 2   // plan: something differs
	ExitHosts       = 3   // some hosts failed, the others are done
	ExitUnhealthy   = 4   // verify found a problem
	ExitUsage       = 64  // command line or inventory; no host was touched (EX_USAGE of sysexits.h)
	ExitInterrupted = 130 // 128 + SIGINT, as shells say it
)

// A CodedError is an error with an exit code of its own. Without an error
// inside, the command has said everything already and only the code is left.
type CodedError struct {
	Code int
	Err  error
}

func (e *CodedError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

func (e *CodedError) Unwrap() error { return e.Err }

// ExitWith ends the program with code and prints nothing more.
func ExitWith(code int) error { return &CodedError{Code: code} }

// Usage marks an error of the command line or the inventory.
func Usage(err error) error { return &CodedError{Code: ExitUsage, Err: err} }

// Usagef is usage of a new error with a hint.
func Usagef(hint, format string, args ...any) error {
	return Usage(WithHint(fmt.Errorf(format, args...), hint))
}

// ExitCode is the process's exit code for what run returned.
func ExitCode(err error) int {
	var coded *CodedError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &coded):
		return coded.Code
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	return ExitFailed
}

// The codes of errors of this program, for scripts: see docs/commands.md. Those
// that an agent gives are in inventory/vm.
const (
	codeFailed      vm.Code = "failed"      // nothing else fits
	codeUnanswered  vm.Code = "no-answer"   // a host failed or gave no answer
	codeUnhealthy   vm.Code = "unhealthy"   // verify found a problem
	codeInterrupted vm.Code = "interrupted" // by Ctrl-C or a signal
)

// CodeOf is an error's code for scripts: the agent's, or one by its kind.
func CodeOf(err error) vm.Code {
	var e *vms.Error
	var missing *vms.NotFoundError
	switch {
	case errors.As(err, &e) && e.Code != "":
		return e.Code
	case errors.As(err, &missing):
		return vm.NotFound
	case e != nil && e.Kind == vms.Usage:
		return vm.Usage
	case e != nil && e.Kind == vms.Unanswered, errors.As(err, new(interface{ UnreachedHost() string })):
		return codeUnanswered
	}
	switch ExitCode(err) {
	case ExitUsage:
		return vm.Usage
	case ExitHosts:
		return codeUnanswered
	case ExitUnhealthy:
		return codeUnhealthy
	case ExitInterrupted:
		return codeInterrupted
	}
	return codeFailed
}

// A hintedError says what to do about it.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Hint() string  { return e.hint }
func (e *hintedError) Unwrap() error { return e.error }

// WithHint adds what to do now to an error.
func WithHint(err error, hint string) error { return &hintedError{err, hint} }

// HintOf returns the outermost hint in the error's chain, or "".
func HintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// ErrInterrupted is why a run was cancelled.
var ErrInterrupted = errors.New("interrupted")
