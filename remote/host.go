package remote

import (
	"context"
	"errors"
	"fmt"
)

// A Host is one machine. Its methods may be called by several goroutines; all of them
// share one connection. Client.Host makes it; the zero value is not valid.
type Host struct {
	client *Client
	target Target
	link   link
}

// Name is the target's name.
func (h *Host) Name() string { return h.target.Name }

// Open connects, unless there is a connection already. The other methods call it if necessary.
func (h *Host) Open(ctx context.Context) error {
	_, err := h.conn(ctx)
	return err
}

// Close drops the connection. What runs on it ends with an error. A lock
// stays held, over the old connection; the next call opens a new one.
func (h *Host) Close() error {
	h.link.close()
	return nil
}

// Query runs a command that changes nothing and returns its standard output, also together with an
// error: `systemctl is-active` prints "inactive" and fails. The error is a *CommandError if the
// command ran. The command is a program, not a builtin of a shell.
func (h *Host) Query(ctx context.Context, argv ...string) (string, error) {
	out, err := h.run(ctx, command{argv: argv})
	return string(out), err
}

// Run runs a command, as Query does.
func (h *Host) Run(ctx context.Context, argv ...string) error {
	_, err := h.run(ctx, command{argv: argv})
	return err
}

func (h *Host) conn(ctx context.Context) (*conn, error) {
	c, err := h.link.get(ctx)
	if err == nil {
		return c, nil
	}
	var ce *ConnectError
	if errors.As(err, &ce) {
		return nil, err
	}
	return nil, fmt.Errorf("there is no connection to %s: %w", h.target.Name, err)
}
