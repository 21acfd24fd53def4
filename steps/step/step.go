package step

import (
	"context"
	"io/fs"
	"strings"
)

// A Reader looks at a host and leaves it as it is.
type Reader interface {
	// ReadFile returns the file's bytes, or an error that is fs.ErrNotExist.
	ReadFile(ctx context.Context, path string) ([]byte, error)
	// Query runs a command that changes nothing and returns its standard
	// output. Its arguments reach the command as they are: nothing is
	// expanded. The error of a command that ran has the method
	// ExitStatus() int; 127 is a command that is not there.
	Query(ctx context.Context, argv ...string) (string, error)
}

// A Host can be looked at and changed.
type Host interface {
	Reader
	// WriteFile puts data in place in one piece (temporary file, fsync, rename)
	// and makes the directories above it if they are missing. A file that was
	// there keeps its owner, a new one belongs to root.
	WriteFile(ctx context.Context, path string, data []byte, mode fs.FileMode) error
	// Run runs a command that may change the host. Arguments and errors are as
	// with Query.
	Run(ctx context.Context, argv ...string) error
	// Close drops the connection. The next call opens a new one.
	Close() error
}

// A Step is one thing that must be true of a host.
type Step interface {
	// String says what is true once the step holds: "frr.conf is current".
	String() string
	// Check says what differs from that, nothing if nothing does. It gets a
	// Reader: it cannot change anything. Where an earlier step has not been
	// applied yet, a missing command or file is a difference, not an error.
	Check(context.Context, Reader) (Diff, error)
	// Apply makes it true. It is called only after Check found a Diff.
	Apply(context.Context, Host) error
}

// A Diff is what a Check found to be different.
type Diff []Change

// A Change is one difference, made to be read.
type Change struct {
	Item string `json:"item"` // "package frr", "/etc/frr/frr.conf", "service frr"
	Have string `json:"have"` // "" is nothing there
	Want string `json:"want"` // "" is to be removed
}

// String gives the difference in one line. Long values, such as whole files,
// are left out: "package frr is missing, service frr is stopped, want running".
func (d Diff) String() string {
	var parts []string
	for _, c := range d {
		switch have, want := brief(c.Have), brief(c.Want); {
		case c.Have == "" && want == "":
			parts = append(parts, c.Item+" is missing")
		case c.Have == "":
			parts = append(parts, c.Item+" is missing, want "+want)
		case c.Want == "":
			parts = append(parts, c.Item+" should not be there")
		case have == "" || want == "":
			parts = append(parts, c.Item+" differs")
		default:
			parts = append(parts, c.Item+" is "+have+", want "+want)
		}
	}
	return strings.Join(parts, "; ")
}

// brief returns s if it fits into a sentence, else nothing.
func brief(s string) string {
	if len(s) > 60 || strings.Contains(s, "\n") {
		return ""
	}
	return s
}
