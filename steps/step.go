package steps

import (
	"context"
	"io/fs"
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
	// WriteFile puts data in place at once (temporary file, fsync, rename),
	// making the directories above it if they are missing.
	WriteFile(ctx context.Context, path string, data []byte, mode fs.FileMode) error
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

// A Plan is what a run does, in order. It is the program's table of contents.
type Plan []Stage

// A Stage is a group of tasks. The next stage starts when all of its tasks
// have ended.
type Stage struct {
	Name string
	// Parallel runs the stage's tasks at the same time. Otherwise they run one
	// after the other, and the first that fails keeps the rest from starting.
	Parallel bool
	Tasks    []Task
}

// A Task is what must be true of one host in one stage.
type Task struct {
	Node  string // name of the host in the inventory
	Steps []Step
}
