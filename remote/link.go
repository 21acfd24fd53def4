package remote

import (
	"context"
	"sync"
)

// A link is one connection, made when it is first needed and shared by all callers.
type link struct {
	dial func(context.Context) (*conn, error)

	mu      sync.Mutex
	cur     *conn
	pending *dialing
}

// A dialing is one attempt to connect, shared by the callers that wait for it.
type dialing struct {
	done    chan struct{} // closed once conn and err are set
	conn    *conn
	err     error
	waiters int
	cancel  context.CancelFunc
}

// get returns the connection, and dials if there is none or it is lost. Callers at the same
// time share one dial. It is cancelled when the last of them has given up.
func (l *link) get(ctx context.Context) (*conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	l.mu.Lock()
	if l.cur != nil && l.cur.alive() {
		defer l.mu.Unlock()
		return l.cur, nil
	}
	if l.cur != nil {
		l.cur.release()
		l.cur = nil
	}
	if l.pending == nil {
		l.start(ctx)
	}
	d := l.pending
	d.waiters++
	l.mu.Unlock()

	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	d.waiters--
	if d.waiters == 0 {
		d.cancel()
		if l.pending == d {
			l.pending = nil // the next caller must not get the error of the cancelled dial
		}
	}
	return nil, context.Cause(ctx)
}

// start begins to dial. One caller's cancellation does not end the dial. l.mu is held.
func (l *link) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d := &dialing{done: make(chan struct{}), cancel: cancel}
	l.pending = d
	go func() {
		defer cancel()
		c, err := l.dial(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		d.conn, d.err = c, err
		close(d.done)
		if l.pending == d {
			l.pending, l.cur = nil, c
			return
		}
		if c != nil { // closed in the meantime
			c.release()
		}
	}()
}

// close drops the connection, and one that is being made.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending != nil {
		l.pending.cancel()
		l.pending = nil
	}
	if l.cur != nil {
		l.cur.release()
		l.cur = nil
	}
}
