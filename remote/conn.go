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
	slots  chan struct{} // holds one value for each further session that may be opened
	files  sftpSession

	mu     sync.Mutex
	refs   int   // the connection is closed when nobody holds it
	size   int   // sessions that the server allows, as far as is known
	pinned int   // sessions that stay open: SFTP, locks
	cause  error // why it broke
	gone   chan struct{}
}

func newConn(ep endpoint, client *ssh.Client, keepalive time.Duration) *conn {
	random := make([]byte, 8)
	rand.Read(random) // never fails
	c := &conn{
		ep: ep, client: client, marker: "ipfabric-" + hex.EncodeToString(random),
		slots: make(chan struct{}, maxSessions), refs: 1, size: maxSessions, gone: make(chan struct{}),
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

// abort breaks the connection; who waits for something on it gets the cause.
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

// keepalive gives a peer up that has not answered for three intervals. Without
// it, a command on a host that lost its power would wait for as long as it may.
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

// lost is the error of who was doing something when the connection broke.
func (c *conn) lost(doing string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &ConnectError{
		Host: c.ep.name, Address: c.ep.addr(), Kind: Lost, Err: net.ErrClosed,
		what: fmt.Sprintf("lost the connection while %s: %v", doing, c.cause),
		hint: "it is not known how far that came; see that the host answers, and start again: a new run does what is left",
	}
}

// open opens a session channel. done gives its place back. With pin, the session
// is one that stays open.
func (c *conn) open(ctx context.Context, pin bool) (ch ssh.Channel, reqs <-chan *ssh.Request, done func(), err error) {
	for {
		select {
		case <-c.slots:
		case <-c.gone:
			return nil, nil, nil, net.ErrClosed
		case <-ctx.Done():
			return nil, nil, nil, context.Cause(ctx)
		}
		ch, reqs, err := c.client.OpenChannel("session", nil)
		if err == nil {
			return ch, reqs, c.occupy(pin), nil
		}
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) {
			return nil, nil, nil, net.ErrClosed
		}
		if !c.shrink() {
			c.slots <- struct{}{}
			return nil, nil, nil, &ConnectError{
				Host: c.ep.name, Address: c.ep.addr(), Kind: Closed, Err: err,
				what: fmt.Sprintf("allows no further session on the connection: %v", err),
				hint: "MaxSessions in the host's sshd_config must be 3 or more; the default is 10",
			}
		}
	}
}

// occupy counts a session that stays open, and returns what ends it.
func (c *conn) occupy(pin bool) func() {
	n := 0
	if pin {
		n = 1
	}
	c.mu.Lock()
	c.pinned += n
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		c.pinned -= n
		c.mu.Unlock()
		c.slots <- struct{}{}
	}
}

// shrink takes one session away from what the server was thought to allow, after
// it refused one. It says whether there are others left to wait for.
func (c *conn) shrink() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size-1 <= c.pinned {
		return false
	}
	c.size--
	return true
}
