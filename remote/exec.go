package remote

import (
	"context"
	"errors"
	"fmt"
	"time"

	"al.essio.dev/pkg/shellescape"
)

const (
	maxOutput = 16 << 20 // of one command, for each of its two outputs
	maxShown  = 8 << 10  // of an output, in an error
	grace     = 3 * time.Second
)

// run runs a command to its end and returns its standard output.
func (h *Host) run(ctx context.Context, cmd command) ([]byte, error) {
	if err := cmd.check(); err != nil {
		return nil, err
	}
	c, err := h.conn(ctx)
	if err != nil {
		return nil, err
	}
	return c.execWithin(ctx, h.client.cfg.CommandTimeout, cmd)
}

func (c *conn) execWithin(ctx context.Context, limit time.Duration, cmd command) ([]byte, error) {
	ctx, cancel := withLimit(ctx, limit)
	defer cancel()
	return c.exec(ctx, cmd)
}

// exec runs a command on the connection.
func (c *conn) exec(ctx context.Context, cmd command) (stdout []byte, err error) {
	argv := shellescape.QuoteCommand(cmd.argv)
	start := time.Now()
	code := -1 // its end is not known
	defer func() {
		c.log("%s: status %d in %v", argv, code, time.Since(start).Round(time.Millisecond))
	}()
	s, err := c.start(ctx, cmd)
	if err != nil {
		return nil, c.failed(ctx, err, argv)
	}
	defer s.close()
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.stop()
	case <-s.tooMuch:
		s.stop()
	case <-c.gone:
		<-s.ended
	}
	code = s.status()
	before, _, body, marked := s.out.split()
	_, _, complaint, ok := s.err.split()
	if !ok {
		complaint = s.err.bytes()
	}
	fail := &CommandError{Host: c.ep.name, Argv: argv, Command: c.ep.pasteable(argv), Code: code,
		Stdout: tail(body, maxShown), Stderr: tail(complaint, maxShown)}
	switch {
	case s.out.full() || s.err.full():
		fail.Code, fail.Err = -1, fmt.Errorf("printed more than %d MiB", maxOutput>>20)
	case ctx.Err() != nil && code != 0:
		fail.Code, fail.Err = -1, stopped(ctx)
	case code < 0:
		return nil, c.lost("`" + argv + "` ran")
	case !marked:
		fail.Stdout = tail(before, maxShown)
		fail.Err = &shellError{c.ep.user, code}
		if c.rights.sudo {
			fail.Err = &sudoError{c.ep.user, code}
		}
	case code == 0:
		return body, nil
	}
	return body, fail
}

// A shellError says that the user's login shell ended before it ran what it was given. It is
// the rest of a sentence that begins with the command.
type shellError struct {
	user string
	code int
}

func (e *shellError) Error() string {
	return fmt.Sprintf("was not run by the login shell of %s, which ended with status %d", e.user, e.code)
}

// failed is the error of a command that was not even started.
func (c *conn) failed(ctx context.Context, err error, argv string) error {
	var ce *ConnectError
	switch {
	case errors.As(err, &ce):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("`%s` was not started on %s: %w", argv, c.ep.name, context.Cause(ctx))
	}
	return c.lost("`" + argv + "` was started")
}
