package libvirt

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/inventory/vm"
)

// An Event is one call of the hook.
type Event struct {
	Guest string `json:"guest"`           // the domain's name
	Op    string `json:"op"`              // "prepare", "started", "stopped", "migrate" …
	Sub   string `json:"sub"`             // "begin", "end", "-"
	Extra string `json:"extra,omitempty"` // for release: why, such as "migrated"
	VM    *vm.VM `json:"vm,omitempty"`    // what the metadata says, unchecked; nil: nothing
	Error string `json:"error,omitempty"` // why the metadata cannot be used
	// Until is when libvirt stops waiting and goes on, in nanoseconds since the
	// node was booted; 0 is never. After that, what the event tells may be long
	// over: acting on it would take a new guest's interface away.
	Until int64 `json:"until,omitempty"`
}

// Matters says whether the agent does anything about an event of that kind.
func Matters(op string) bool { return Starts(op) || Ends(op) }

// Starts says whether a domain is there from now on.
func Starts(op string) bool {
	switch op {
	case "migrate", "prepare", "started", "reconnect", "restore":
		return true
	}
	return false
}

// Ends says whether a domain is gone.
func Ends(op string) bool { return op == "stopped" || op == "release" }

// SetDeadline notes until when the caller waits.
func (e *Event) SetDeadline(ctx context.Context) {
	if t, ok := ctx.Deadline(); ok {
		e.Until = sinceBoot() + int64(time.Until(t))
	}
}

// Context returns one that ends when libvirt no longer waits.
func (e *Event) Context(ctx context.Context) (context.Context, context.CancelFunc) {
	if e.Until == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(e.Until-sinceBoot()))
}

// sinceBoot is a clock that all processes share, and that nobody sets.
func sinceBoot() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Now().UnixNano()
	}
	return t.Nano()
}
