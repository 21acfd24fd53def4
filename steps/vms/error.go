package vms

import (
	"errors"
	"fmt"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
)

// A ErrorKind says what an error of the vm commands is about.
type ErrorKind int

const (
	Refused    ErrorKind = iota // it cannot be done as things are
	Usage                       // the request itself is wrong; no host was asked
	Unanswered                  // a host that had to be asked gave no answer
)

// A Error says why the fabric's VMs were not changed as asked, or not to the
// end.
type Error struct {
	Kind ErrorKind
	Code vm.Code // the agent's; "" if the error is not an agent's
	Msg  string
	Next string // what to do now
	Err  error  // what lies beneath; may be nil
	// Silent are the hosts that gave no answer.
	Silent []Silent
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do now.
func (e *Error) Hint() string {
	if e.Next == "" {
		return step.HintOf(e.Err, "")
	}
	return e.Next
}

func usage(hint, format string, args ...any) error {
	return &Error{Kind: Usage, Msg: fmt.Sprintf(format, args...), Next: hint}
}

func refused(hint, format string, args ...any) error {
	return &Error{Msg: fmt.Sprintf(format, args...), Next: hint}
}

// A NotFoundError says that no node has a VM of that name.
type NotFoundError struct {
	Name  string
	Names []string // of the VMs that there are
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no VM %s on any node", e.Name) }

// A Silent is a host that was asked and gave no answer.
type Silent struct {
	Host string
	Err  error // names the host
}

// ErrInterrupted is why a wait ended: the operator wants no more to be begun.
var ErrInterrupted = errors.New("interrupted")
