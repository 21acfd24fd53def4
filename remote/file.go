package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/pkg/sftp"
)

// A FileError says what could not be done to a file. It is fs.ErrNotExist or
// fs.ErrPermission where that is the reason.
type FileError struct {
	Host string
	User string // as whom it was tried
	Op   string // "read", "write" …
	Path string
	Err  error
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s %s on %s: %v", e.Op, e.Path, e.Host, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *FileError) Hint() string {
	var shell *noShellError
	switch {
	case errors.As(e.Err, &shell):
		return shell.Hint()
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "the host or the network is too slow, or the connection stalls: if short commands work and large files do not, check the MTU on the way; " +
			"a file that was to be written is as it was"
	case errors.Is(e.Err, context.Canceled):
		return "start again: a new run does what is left"
	case errors.Is(e.Err, fs.ErrPermission) && e.User == "root":
		return "the file may be immutable (lsattr) or the file system mounted read-only"
	case errors.Is(e.Err, fs.ErrPermission):
		return fmt.Sprintf("%s has no permission for that; log in as a user who has", e.User)
	case errors.Is(e.Err, syscall.ENOSPC):
		return "make room on the disk of " + e.Host + "; the file is as it was"
	case errors.Is(e.Err, errNoisyShell):
		return "remove what prints from its .bashrc or .profile on the host, or let it print only on a terminal: `[ -t 1 ] || return`"
	case errors.Is(e.Err, errNoSFTP):
		return "add `Subsystem sftp internal-sftp` to the host's sshd_config and reload sshd; for a login with sudo install its sftp-server " +
			"(package openssh-sftp-server, in the EL family openssh-server)"
	case errors.Is(e.Err, fs.ErrNotExist):
		return "check whether it has another name there"
	case isFailure(e.Err):
		return "the disk of " + e.Host + " may be full (df, df -i, quota), its file system broken or mounted read-only"
	}
	return "look at the file and its file system on the host; a new run does what is left"
}

var errNoSFTP = errors.New("the host has no SFTP server")

// ReadFile returns a file's bytes. Where there is none, the error is fs.ErrNotExist.
func (h *Host) ReadFile(ctx context.Context, path string) ([]byte, error) {
	start := time.Now()
	data, err := onFiles(ctx, h, "read", path, func(ctx context.Context, c *conn, client *sftp.Client) ([]byte, error) {
		return readFile(client, path)
	})
	h.client.cfg.Log(h.target.Name, "read %s: %s in %v", path, sizeOr(err, len(data)), time.Since(start).Round(time.Millisecond))
	return data, err
}

func sizeOr(err error, size int) string {
	if err != nil {
		return innermost(err).Error()
	}
	return fmt.Sprintf("%d bytes", size)
}

func readFile(client *sftp.Client, path string) ([]byte, error) {
	f, err := client.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { go f.Close() }() // saves a round trip
	// Most files are short: one read, and a second one that finds the end, take fewer round trips
	// than asking for the size first.
	first := make([]byte, 32<<10)
	n, err := f.Read(first)
	if errors.Is(err, io.EOF) {
		return first[:n], nil
	}
	if err != nil {
		if st, err := f.Stat(); err == nil && st.IsDir() {
			return nil, syscall.EISDIR
		}
		return nil, err
	}
	rest := &limited{}
	rest.Write(first[:n])
	if _, err := f.WriteTo(rest); err != nil {
		return nil, err
	}
	return rest.Bytes(), nil
}

// limited is a buffer that takes maxOutput bytes at most.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("it is larger than %d MiB", maxOutput>>20)
	}
	return l.Buffer.Write(p)
}

// onFiles runs f with the host's SFTP session. SFTP calls take no context, so f runs in a goroutine
// of its own. When ctx is done, onFiles gives f the grace period to clean up, and then returns.
func onFiles[T any](ctx context.Context, h *Host, op, path string, f func(context.Context, *conn, *sftp.Client) (T, error)) (T, error) {
	var zero T
	c, err := h.conn(ctx)
	if err != nil {
		return zero, err
	}
	ctx, cancel := withLimit(ctx, h.client.cfg.CommandTimeout)
	defer cancel()
	var value T
	ended := make(chan error, 1)
	go func() {
		client, err := c.sftp(ctx)
		if err == nil {
			value, err = f(ctx, c, client)
		}
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-ctx.Done():
		select {
		case err = <-ended:
		case <-time.After(grace):
			err = context.Cause(ctx)
		}
	}
	if err == nil {
		return value, nil
	}
	return zero, c.fileError(ctx, op, path, err)
}

// fileError says what went wrong with a file, or that the connection was lost.
func (c *conn) fileError(ctx context.Context, op, path string, err error) error {
	fail := &FileError{Host: c.ep.name, User: c.actsAs(), Op: op, Path: path, Err: err}
	var ce *ConnectError
	var command *CommandError
	switch {
	case errors.As(err, &ce), errors.As(err, &command):
		return err
	case ctx.Err() != nil:
		fail.Err = stopped(ctx)
		return fail
	case !isGone(err) && !errors.Is(err, sftp.ErrSSHFxConnectionLost):
		return fail
	}
	// The session is gone; the connection follows, unless it was the SFTP server alone.
	select {
	case <-c.gone:
		return c.lost(strings.TrimSuffix(op, "e") + "ing " + path)
	case <-time.After(time.Second):
		fail.Err = errors.New("the SFTP server on the host has ended")
		return fail
	}
}
