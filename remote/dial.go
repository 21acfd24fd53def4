package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// dial connects to the end of a route, over shared connections to the hops
// before it.
func (c *Client) dial(ctx context.Context, route []endpoint) (*conn, error) {
	ep := route[len(route)-1]
	start := time.Now()
	for {
		began := time.Now()
		conn, err := c.logIn(ctx, route)
		if err == nil {
			c.cfg.Log(ep.name, "connected to %s as %s in %v", ep.addr(), ep.user, time.Since(began).Round(time.Millisecond))
			return conn, nil
		}
		c.cfg.Log(ep.name, "no connection to %s after %v: %v", ep.addr(), time.Since(began).Round(time.Millisecond), err)
		if context.Cause(ctx) != nil {
			return nil, context.Cause(ctx)
		}
		var q *question
		if errors.As(err, &q) {
			if err := c.ask(ctx, func() error { return q.answer(ctx) }); err != nil {
				return nil, err
			}
			continue
		}
		var ce *ConnectError
		if !errors.As(err, &ce) || ce.Host != ep.name || !ce.transient() {
			return nil, err
		}
		pause := 300*time.Millisecond + time.Since(start)/4
		if time.Since(start)+pause > c.cfg.ConnectRetry {
			return nil, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// A question is an error that says that the operator must be asked before a connection can be
// made. The operator is asked after the handshake has ended: a server closes a handshake that takes
// long, and an open one would block other hosts.
type question struct {
	answer func(context.Context) error // nil: try again
}

func (q *question) Error() string { return "the operator has to be asked" }

// dialOnce makes one attempt to connect.
func (c *Client) dialOnce(ctx context.Context, route []endpoint, at *attempt) (*conn, error) {
	ep := at.ep
	open := (&net.Dialer{}).DialContext
	if hops := route[:len(route)-1]; len(hops) > 0 {
		hop, err := c.hop(hops).get(ctx)
		if err != nil {
			return nil, err
		}
		open = hop.client.DialContext
	}
	raw, err := c.openInTurn(ctx, ep, open)
	if err != nil {
		return nil, err
	}
	defer func() { <-c.handshakes }()
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.ConnectTimeout, errConnectTimeout)
	defer cancel()
	client, err := c.handshake(ctx, at, raw)
	if err != nil {
		raw.Close()
		return nil, err
	}
	log := func(format string, args ...any) { c.cfg.Log(ep.name, format, args...) }
	return newConn(ep, client, c.cfg.Keepalive, log), nil
}

// openInTurn opens a TCP connection and waits for a place among the handshakes,
// which is the caller's to give back. Hosts that do not answer take no place, so
// that those that are down are waited for together.
func (c *Client) openInTurn(ctx context.Context, ep endpoint, open func(context.Context, string, string) (net.Conn, error)) (net.Conn, error) {
	select {
	case c.opening <- struct{}{}:
		defer func() { <-c.opening }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	within, cancel := context.WithTimeoutCause(ctx, c.cfg.DialTimeout, errConnectTimeout)
	defer cancel()
	raw, err := open(within, "tcp", ep.addr())
	if err != nil {
		return nil, c.explainDial(within, ep, err)
	}
	select {
	case c.handshakes <- struct{}{}:
		return raw, nil
	case <-ctx.Done():
		raw.Close()
		return nil, context.Cause(ctx)
	}
}

var errConnectTimeout = errors.New("timeout")

func (c *Client) handshake(ctx context.Context, at *attempt, raw net.Conn) (*ssh.Client, error) {
	ep := at.ep
	algorithms, check, err := c.hostKeyCheck(at)
	if err != nil {
		return nil, err
	}
	at.keys, err = c.keys.offer(ctx, ep, c.cfg.Prompt)
	if err != nil {
		return nil, err
	}
	defer at.keys.close()
	// A connection through a jump host has no deadlines, so it is closed at the timeout.
	stop := context.AfterFunc(ctx, func() { raw.Close(); at.keys.close() })
	counted := &countedConn{Conn: raw}
	sc, chans, reqs, err := ssh.NewClientConn(counted, ep.keyAddr(), &ssh.ClientConfig{
		User:              ep.user,
		Auth:              at.methods(),
		HostKeyCallback:   check,
		HostKeyAlgorithms: algorithms,
		ClientVersion:     "SSH-2.0-ipfabric",
	})
	if !stop() && err == nil {
		err = context.Cause(ctx)
		sc.Close()
	}
	if err == nil {
		return ssh.NewClient(sc, chans, reqs), nil
	}
	if at.failed != nil {
		return nil, at.failed
	}
	if q := at.keys.question(); q != nil {
		return nil, q
	}
	at.answered = counted.got.Load()
	return nil, c.explainHandshake(ctx, at, algorithms, err)
}

// A countedConn notes whether the server has sent anything.
type countedConn struct {
	net.Conn
	got atomic.Bool
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.got.Store(true)
	}
	return n, err
}

// hop returns the connection to the end of a route of jump hosts, which all
// hosts behind them share.
func (c *Client) hop(route []endpoint) *link {
	var key strings.Builder
	for _, ep := range route {
		fmt.Fprintf(&key, "%s %s\n", ep.hop(), strings.Join(ep.keys, " "))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.hops[key.String()]
	if l == nil {
		l = &link{dial: func(ctx context.Context) (*conn, error) { return c.dial(ctx, route) }}
		c.hops[key.String()] = l
	}
	return l
}
