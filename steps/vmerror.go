package steps

import (
	"errors"
	"fmt"

	"ipfabric/inventory/vm"
)

// A VMErrorKind says what an error of the vm commands is about.
type VMErrorKind int

const (
	VMRefused VMErrorKind = iota // it cannot be done as things are
	VMUsage                      // the request itself is wrong; no host was asked
	VMSilent                     // a host that had to be asked gave no answer
)

// A VMError says why the fabric's VMs were not changed as asked, or not to the
// end.
type VMError struct {
	Kind VMErrorKind
	Code vm.Code // the agent's; "" if the error is not an agent's
	Msg  string
	Next string // what to do now
	Err  error  // what lies beneath; may be nil
	// Silent are the hosts that gave no answer.
	Silent []Silent
}

func (e *VMError) Error() string {
	if e.Err == nil {
		return e.Msg
	}
	return e.Msg + ": " + e.Err.Error()
}

func (e *VMError) Unwrap() error { return e.Err }

// Hint says what to do now.
func (e *VMError) Hint() string {
	if e.Next == "" {
		return hintOf(e.Err, "")
	}
	return e.Next
}

func vmUsage(hint, format string, args ...any) error {
	return &VMError{Kind: VMUsage, Msg: fmt.Sprintf(format, args...), Next: hint}
}

func vmRefused(hint, format string, args ...any) error {
	return &VMError{Msg: fmt.Sprintf(format, args...), Next: hint}
}

// A NoVMError says that no node has a VM of that name.
type NoVMError struct {
	Name  string
	Names []string // of the VMs that there are
}

func (e *NoVMError) Error() string { return fmt.Sprintf("there is no VM %s on any node", e.Name) }

// A Silent is a host that was asked and gave no answer.
type Silent struct {
	Host string
	Err  error // names the host
}

// ErrInterrupted is why a wait ended: the operator wants no more to be begun.
var ErrInterrupted = errors.New("interrupted")
