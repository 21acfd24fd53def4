package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxSessions stays below sshd's MaxSessions, 10, since the command that
// ends another one needs a session too.
const maxSessions = 8

// A conn is one SSH connection to the end of a route.
type conn struct {
	ep     endpoint
	client *ssh.Client
	marker string        // what our commands print before their own output
	rights rights        // what our commands run with; set before the connection is shared
	slots  chan struct{} // holds one value for each further session that may be opened
	files  sftpSession
	log    func(format string, args ...any)

	gone chan struct{} // closed when the connection is

	mu    sync.Mutex
	refs  int           // the connection is closed when nobody holds it
	short int           // open sessions that will end soon: all but SFTP and locks
	freed chan struct{} // closed when a session ends
	cause error         // why the connection broke
}

func newConn(ep endpoint, client *ssh.Client, keepalive time.Duration, log func(format string, args ...any)) *conn {
	random := make([]byte, 8)
	rand.Read(random) // never fails
	c := &conn{
		ep: ep, client: client, log: log, marker: "ipfabric-" + hex.EncodeToString(random),
		slots: make(chan struct{}, maxSessions), refs: 1, gone: make(chan struct{}), freed: make(chan struct{}),
	}
	for range maxSessions {
		c.slots <- struct{}{}
	}
	go func() {
		err := client.Wait()
		c.mu.Lock()
		if c.cause == nil {
			c.cause = fmt.Errorf("the other side closed it (%v)", err)
		}
		c.mu.Unlock()
		close(c.gone)
	}()
	go c.keepalive(keepalive)
	return c
}

func (c *conn) alive() bool {
	select {
	case <-c.gone:
		return false
	default:
		return true
	}
}

// abort closes the connection. Calls that wait for something on it return the cause.
func (c *conn) abort(cause error) {
	c.mu.Lock()
	if c.cause == nil {
		c.cause = cause
	}
	c.mu.Unlock()
	c.client.Close()
}

// retain keeps the connection open until one more release.
func (c *conn) retain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refs++
}

func (c *conn) release() {
	c.mu.Lock()
	c.refs--
	last := c.refs == 0
	c.mu.Unlock()
	if last {
		c.abort(errors.New("it was closed on this side"))
	}
}

// keepalive closes the connection to a peer that has not answered for three intervals. Without
// it, a command on a host that lost its power would wait until its own timeout.
func (c *conn) keepalive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.gone:
			return
		}
		answer := make(chan error, 1)
		go func() { answer <- c.ping() }()
		select {
		case <-answer: // an error means that the connection is gone already
		case <-c.gone:
			return
		case <-time.After(2 * every):
			c.abort(fmt.Errorf("no answer for %v", 3*every))
			return
		}
	}
}

// ping makes one round trip.
func (c *conn) ping() error {
	_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
	return err
}

// lost is the error of a call that was doing something when the connection broke.
func (c *conn) lost(doing string) error {
	select {
	case <-c.gone:
	case <-time.After(grace): // the caller may notice the break before c.gone is closed
		c.abort(errors.New("it no longer works"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &ConnectError{
		Host: c.ep.name, Address: c.ep.addr(), Kind: Lost, Err: net.ErrClosed,
		what: fmt.Sprintf("lost the connection while %s: %v", doing, c.cause),
		hint: "it is not known how much of that was done; check that the host answers, and start again: a new run does what is left",
	}
}

// open opens a session channel. done must be called when it has ended. A long session is one that
// stays open, such as SFTP's.
func (c *conn) open(ctx context.Context, long bool) (ch ssh.Channel, reqs <-chan *ssh.Request, done func(), err error) {
	select {
	case <-c.slots:
	case <-c.gone:
		return nil, nil, nil, net.ErrClosed
	case <-ctx.Done():
		return nil, nil, nil, context.Cause(ctx)
	}
	ch, reqs, err = c.openChannel(ctx)
	if err != nil {
		c.slots <- struct{}{}
		return nil, nil, nil, err
	}
	c.count(long, +1)
	return ch, reqs, func() {
		c.count(long, -1)
		c.slots <- struct{}{}
	}, nil
}

// openChannel opens a session channel. A server may allow fewer sessions than sshd does by default.
// If it refuses one, openChannel tries again each time that another session has ended.
func (c *conn) openChannel(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	alone := time.Now() // since when there is no other session that will end
	for {
		before, freed := c.others()
		ch, reqs, err := c.client.OpenChannel("session", nil)
		if err == nil {
			return ch, reqs, nil
		}
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) {
			return nil, nil, net.ErrClosed
		}
		if after, _ := c.others(); before+after > 0 {
			alone = time.Now()
		}
		if time.Since(alone) > time.Second { // sshd counts a session for a moment after its end
			return nil, nil, &ConnectError{
				Host: c.ep.name, Address: c.ep.addr(), Kind: NoSession, Err: err,
				what: fmt.Sprintf("allows no further session on the connection: %v", err),
				hint: "MaxSessions in the host's sshd_config must be 3 or more; the default is 10",
			}
		}
		select {
		case <-freed:
		case <-time.After(100 * time.Millisecond):
		case <-c.gone:
			return nil, nil, net.ErrClosed
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// others is how many open sessions will end soon, and a channel that is closed when the next
// session ends.
func (c *conn) others() (int, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.short, c.freed
}

func (c *conn) count(long bool, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !long {
		c.short += n
	}
	if n < 0 {
		close(c.freed)
		c.freed = make(chan struct{})
	}
}
