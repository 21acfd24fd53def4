package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Kind says why there is no connection.
type Kind string

const (
	Unresolved     Kind = "unresolved"       // the name has no address
	Unreachable    Kind = "unreachable"      // no route, or the jump host cannot or may not go there
	Refused        Kind = "refused"          // nothing listens on the port
	Timeout        Kind = "timeout"          // no answer in time
	Closed         Kind = "closed"           // the server hung up, or is no SSH server
	HostKeyUnknown Kind = "host-key-unknown" // not in known_hosts, and not accepted
	HostKeyChanged Kind = "host-key-changed" // known_hosts has another one, or has it revoked
	Auth           Kind = "auth"             // the login was refused
	Sudo           Kind = "sudo"             // logged in, but the user does not get root's rights
	Setup          Kind = "setup"            // a file on this side cannot be used: a key, ssh_config, known_hosts
	NoSession      Kind = "no-session"       // logged in, but the server starts nothing (MaxSessions, a restricted user)
	Lost           Kind = "lost"             // the connection was there and broke
)

// A ConnectError says why a host cannot be worked on.
type ConnectError struct {
	Host    string // the target's name, "jump host …" for one on the way
	Address string // host:port
	Kind    Kind
	Err     error // what lies beneath; may be nil

	what  string // the rest of the sentence after the host
	hint  string
	final bool // trying again would give the same result
}

func (e *ConnectError) Error() string {
	if e.Address == "" {
		return e.Host + " " + e.what
	}
	return fmt.Sprintf("%s (%s) %s", e.Host, e.Address, e.what)
}

// UnreachedHost is the name with which the text of the error begins.
func (e *ConnectError) UnreachedHost() string { return e.Host }

// Hint says what to do about it.
func (e *ConnectError) Hint() string { return e.hint }

func (e *ConnectError) Unwrap() error { return e.Err }

// transient says whether another try a second later may succeed, as with a host that boots. After
// an answer, such as a refused login, there is no second try.
func (e *ConnectError) transient() bool {
	if e.final {
		return false
	}
	switch e.Kind {
	case Refused, Timeout, Unreachable, Closed:
		return true
	}
	return false
}

// A timeoutError is context.DeadlineExceeded with a text that says the limit.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// withLimit sets a time limit. The cause of the context is then a timeoutError.
func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, limit, timeoutError(fmt.Sprintf("did not end within %v", limit)))
}

// stopped says why ctx ended something.
func stopped(ctx context.Context) error {
	cause := context.Cause(ctx)
	var limit timeoutError
	if errors.As(cause, &limit) {
		return cause
	}
	return fmt.Errorf("was stopped: %w", cause)
}

// lastLines returns the last n lines of s without the empty space around them.
func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = append([]string{"…"}, lines[len(lines)-n:]...)
	}
	return strings.Join(lines, "\n")
}

// tail returns the last n bytes of b as text.
func tail(b []byte, n int) string {
	if len(b) <= n {
		return string(b)
	}
	return strings.ToValidUTF8(string(b[len(b)-n:]), "")
}
