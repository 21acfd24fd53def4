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
	final bool // another try would get the same answer
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

// transient says whether another try a second later may well succeed: the host
// gave no answer, as one that boots does. An answer, such as a refused
// login, is never asked for twice.
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

// A CommandError says that a command ran and did not succeed.
type CommandError struct {
	Host    string
	Argv    string // the command, quoted for a shell
	Command string // a line that does the same from the operator's shell, "" without Target.Line: ssh root@10.0.0.22 systemctl reload frr
	Code    int    // its exit status, 128 + n if signal n ended it, -1 if it was stopped or its end is not known
	Stdout  string // the last part of it
	Stderr  string // the last part of it
	Err     error  // why it was stopped; nil if it ended by itself
}

// ExitStatus is the command's exit status; 127 is a command that is not there.
func (e *CommandError) ExitStatus() int { return e.Code }

func (e *CommandError) Unwrap() error { return e.Err }

func (e *CommandError) Error() string {
	s := "`" + e.Argv + "` "
	switch {
	case e.Err != nil:
		s += e.Err.Error()
	case e.Code == 127:
		s += "found no such command"
	case e.Code > 128 && e.Code < 128+65:
		s += fmt.Sprintf("was ended by signal %d", e.Code-128)
	default:
		s += fmt.Sprintf("ended with status %d", e.Code)
	}
	if said := e.Said(); said != "" {
		s += ": " + said
	}
	return s
}

// Said is the last that the command printed: its errors, or else its output.
func (e *CommandError) Said() string {
	if said := lastLines(e.Stderr, 10); said != "" {
		return said
	}
	return lastLines(e.Stdout, 10)
}

// Hint says what to do about it.
func (e *CommandError) Hint() string {
	if e.Command == "" {
		return ""
	}
	return "to see it for yourself: " + e.Command
}

// A LockedError says that somebody else holds a lock.
type LockedError struct {
	Host string
	Path string // the lock file on the host
	Note string // what the holder left there: who, when, why
}

func (e *LockedError) Error() string {
	if e.Note == "" {
		return fmt.Sprintf("%s on %s is locked", e.Path, e.Host)
	}
	return fmt.Sprintf("%s on %s is locked by %s", e.Path, e.Host, e.Note)
}

// Hint says what to do about it.
func (e *LockedError) Hint() string {
	return "wait until that run has ended; a lock whose holder has died goes away within a minute or so"
}

// A timeoutError is context.DeadlineExceeded in better words.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }

func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// withLimit sets a time limit to what is about to be done.
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
