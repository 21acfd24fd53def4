package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// A Code says what kind an error is, for programs. New ones may be added.
type Code string

const (
	Usage        Code = "usage"         // the command line or request is malformed
	Invalid      Code = "invalid"       // the VM breaks a rule: nothing was done
	NotFound     Code = "not-found"     // there is no such VM, or no such request
	Conflict     Code = "conflict"      // another VM, or another state of this VM, is in the way
	Problem      Code = "problem"       // the VM is stored, but not as it should be
	TooMany      Code = "too-many"      // the node has as many VMs as route reflectors accept from it
	TooLarge     Code = "too-large"     // the request is longer than allowed
	TooLate      Code = "too-late"      // nothing was begun, as the caller no longer waits
	DiskFull     Code = "disk-full"     // the node's disk has no room
	Internal     Code = "internal"      // anything else that failed in the agent
	NotRunning   Code = "not-running"   // no agent listens on the socket
	NoPermission Code = "no-permission" // the caller may not open the socket
	NoAnswer     Code = "no-answer"     // the agent did not answer, or its answer cannot be read

	AgentOlder    Code = "agent-older"    // the agent's protocol is lower than the asking side's
	IpfabricOlder Code = "ipfabric-older" // the asking side's protocol is lower than the agent's
)

// An Error is an error with a code. As JSON it is {"code", "error", "hint"}:
// the body of each answer of the agent that is not 2xx, and what the agent's
// commands print on standard error with --json or --protocol.
type Error struct {
	Code Code   `json:"code"`
	Msg  string `json:"error"`          // one sentence, lower case
	Next string `json:"hint,omitempty"` // what to do now
}

func (e *Error) Error() string { return e.Msg }

// Hint says what to do now, "" if there is nothing to say.
func (e *Error) Hint() string { return e.Next }

// Errorf makes an Error without a hint.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// WithHint returns a copy of e that says what to do now.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Next = fmt.Sprintf(format, args...)
	return &c
}

// CodeOf returns the code of the first Error in err's chain, "" if there is
// none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// ErrorOf turns any error into an Error, with all of its text: one that has no
// code gets the given one, one that has no hint keeps none.
func ErrorOf(err error, otherwise Code) *Error {
	out := &Error{Code: otherwise, Msg: err.Error()}
	var e *Error
	if errors.As(err, &e) {
		out.Code = e.Code
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		out.Next = h.Hint()
	}
	return out
}

// ParseError finds the Error in what an agent's command printed on standard
// error: the last line that is one as JSON. Other programs, such as a login
// shell, may have printed lines around it. An agent from before there was a
// protocol number does not know the flag --protocol: that gives AgentOlder. The
// result is nil for any other text.
func ParseError(stderr string) *Error {
	lines := strings.Split(stderr, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		var e Error
		if json.Unmarshal([]byte(lines[i]), &e) == nil && e.Code != "" && e.Msg != "" {
			return &e
		}
	}
	if strings.Contains(stderr, "unknown flag: --protocol") {
		err := CheckProtocol(Protocol, 0)
		var e *Error
		errors.As(err, &e)
		return e
	}
	return nil
}
