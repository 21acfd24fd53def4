package remote

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
)

// The exit statuses of hold-lock.sh if it cannot take the lock.
const (
	statusNoTool = 69
	statusLocked = 77
)

// Lock takes an advisory lock on the host: a file with the note (who, when, why). The lock is held
// until release is called or the connection is lost; Close does not release it. If this process is
// killed, the host releases the lock four keepalive intervals after the last heartbeat. The error is
// a *LockedError if another process holds the lock.
func (h *Host) Lock(ctx context.Context, path, note string) (release func(), err error) {
	c, err := h.conn(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := withLimit(ctx, h.client.cfg.ConnectTimeout)
	defer cancel()
	every := h.client.cfg.Keepalive
	timeout := fmt.Sprintf("%.3f", (4 * every).Seconds())
	in, heartbeats := io.Pipe()
	cmd := command{argv: []string{"/bin/sh", "-c", holdLock, "ipfabric-lock", path, note, timeout}, stdin: in, long: true}
	s, err := c.start(ctx, cmd)
	if err != nil {
		return nil, c.failed(ctx, err, "lock "+path)
	}
	if err := h.locked(ctx, s, path); err != nil {
		heartbeats.Close()
		s.close()
		return nil, err
	}
	c.retain()
	h.client.cfg.Log(c.ep.name, "locked %s", path)
	stop := make(chan struct{})
	go heartbeat(heartbeats, every, stop)
	go func() {
		select {
		case <-stop:
		case <-s.ended:
			select {
			case <-stop:
			default:
				h.client.cfg.Log(c.ep.name, "lost the lock %s", path)
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(stop)
		heartbeats.Close()
		s.endsWithin(grace) // so that the next caller finds it released
		s.close()
		c.release()
		h.client.cfg.Log(c.ep.name, "unlocked %s", path)
	}), nil
}

// locked waits until the lock is taken, or cannot be taken.
func (h *Host) locked(ctx context.Context, s *running, path string) error {
	c := s.conn
	for {
		select {
		case <-s.out.wrote:
			if _, _, said, _ := s.out.split(); string(said) == "locked\n" {
				return nil
			}
			continue
		case <-s.ended:
		case <-ctx.Done():
			return fmt.Errorf("locking %s on %s %w", path, c.ep.name, stopped(ctx))
		}
		break
	}
	_, _, said, _ := s.out.split()
	_, _, complaint, _ := s.err.split()
	argv := shellescape.QuoteCommand([]string{"flock", "-n", path, "true"})
	fail := &CommandError{Host: c.ep.name, Argv: argv, Command: c.ep.pasteable(argv), Code: s.status(), Stderr: tail(complaint, maxShown)}
	switch {
	case fail.Code < 0:
		return c.lost("locking " + path)
	case fail.Code == statusLocked:
		return &LockedError{Host: c.ep.name, Path: path, Note: strings.TrimSpace(string(said))}
	case fail.Code == statusNoTool:
		fail.Code, fail.Stderr = 127, "no "+strings.TrimSpace(string(said))+": install util-linux and coreutils on the host"
	}
	return fail
}

// heartbeat shows the host that the holder of the lock still runs.
func heartbeat(w io.Writer, every time.Duration, stop <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-stop:
			return
		}
		if _, err := io.WriteString(w, "."); err != nil {
			return
		}
	}
}

// A LockedError says that another process holds a lock.
type LockedError struct {
	Host string
	Path string // the lock file on the host
	Note string // what the holder left there: who, when, why; or else its process
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
