package remote

import (
	"context"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// A running is a command that runs.
type running struct {
	conn     *conn
	ch       ssh.Channel
	done     func()
	out, err *output
	tooMuch  chan struct{}
	closed   chan struct{} // closed when the server has closed the session
	ended    chan struct{} // closed after the command's end, when its output is complete
	code     int           // valid once ended is closed
}

// start starts a command, unless ctx is done first: a host that has just died answers nothing.
func (c *conn) start(ctx context.Context, cmd command) (*running, error) {
	type result struct {
		running *running
		err     error
	}
	started := make(chan result, 1)
	go func() {
		s, err := c.launch(ctx, cmd)
		started <- result{s, err}
	}()
	select {
	case r := <-started:
		return r.running, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-started:
		return r.running, r.err
	case <-time.After(grace):
	}
	go func() {
		if r := <-started; r.err == nil {
			r.running.stop()
			r.running.close()
		}
	}()
	return nil, context.Cause(ctx)
}

func (c *conn) launch(ctx context.Context, cmd command) (*running, error) {
	ch, reqs, done, err := c.open(ctx, cmd.pin)
	if err != nil {
		return nil, err
	}
	ok, err := ch.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{cmd.line(c.marker, c.rights)}))
	if err == nil && !ok {
		err = &ConnectError{Host: c.ep.name, Address: c.ep.addr(), Kind: NoSession,
			what: "lets " + c.ep.user + " log in, but not run commands",
			hint: "name a user who may; see sshd_config on the host"}
	}
	if err != nil {
		ch.Close()
		done()
		return nil, err
	}
	s := &running{conn: c, ch: ch, done: done, tooMuch: make(chan struct{}), closed: make(chan struct{}), ended: make(chan struct{}), code: -1}
	full := sync.OnceFunc(func() { close(s.tooMuch) })
	s.out, s.err = newOutput(c.marker, full), newOutput(c.marker, full)
	copied := make(chan struct{})
	go func() {
		cmd.feed(ch, c.marker, c.rights, s.out.marked)
		ch.CloseWrite()
	}()
	go func() {
		defer close(copied)
		var both sync.WaitGroup
		both.Add(2)
		go func() { defer both.Done(); defer s.out.end(); io.Copy(s.out, ch) }()
		go func() { defer both.Done(); io.Copy(s.err, ch.Stderr()) }()
		both.Wait()
	}()
	go s.wait(reqs, copied)
	return s, nil
}

// wait waits for the command's end. One that left a daemon behind, which has the
// outputs still open, has ended all the same.
func (s *running) wait(reqs <-chan *ssh.Request, copied <-chan struct{}) {
	defer close(s.ended)
	for req := range reqs {
		code, ok := exitStatus(req)
		if req.WantReply {
			req.Reply(false, nil)
		}
		if !ok {
			continue
		}
		s.code = code
		go func() {
			defer close(s.closed)
			ssh.DiscardRequests(reqs)
		}()
		select {
		case <-copied:
		case <-time.After(grace):
		}
		return
	}
	close(s.closed)
	<-copied // this does not take long either
}

// exitStatus reads the messages of RFC 4254 section 6.10.
func exitStatus(req *ssh.Request) (code int, ok bool) {
	switch req.Type {
	case "exit-status":
		if len(req.Payload) == 4 {
			return int(binary.BigEndian.Uint32(req.Payload)), true
		}
	case "exit-signal":
		var msg struct {
			Signal string
			Core   bool
			Text   string
			Lang   string
		}
		if ssh.Unmarshal(req.Payload, &msg) == nil {
			return 128 + signalNumber(msg.Signal), true
		}
	}
	return 0, false
}

// signalNumber knows the signals of RFC 4254 section 6.10 by the numbers that are the
// same on all Unixes.
func signalNumber(name string) int {
	names := []string{1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 8: "FPE", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM"}
	return max(slices.Index(names, name), 0)
}

// status is the command's exit status; -1 if it has not ended, or nobody knows how.
func (s *running) status() int {
	select {
	case <-s.ended:
		return s.code
	default:
		return -1
	}
}

// stop ends the command: it is sent TERM, and its session is closed if it does not
// obey soon.
func (s *running) stop() {
	s.ch.SendRequest("signal", false, ssh.Marshal(struct{ Name string }{"TERM"}))
	go s.kill()
	if s.endsWithin(grace) {
		return
	}
	s.ch.Close()
	s.endsWithin(grace)
}

func (s *running) endsWithin(d time.Duration) bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// kill sends TERM to the command's process group by means of another command: sshd
// passes on no signals in sessions of root, and a user may not signal what sudo has started.
func (s *running) kill() {
	group := s.group()
	if group == 0 {
		return
	}
	ch, reqs, err := s.conn.client.OpenChannel("session", nil)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	go io.Copy(io.Discard, ch)
	go io.Copy(io.Discard, ch.Stderr())
	cmd := command{argv: []string{"/bin/sh", "-c", `kill -s TERM -- "-$0"`, strconv.Itoa(group)}}
	line := cmd.line(s.conn.marker, s.conn.rights)
	ch.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{line}))
	cmd.feed(ch, s.conn.marker, s.conn.rights, nil)
	ch.CloseWrite()
}

// group waits for the command's process group, which comes first; 0 is that it did not come.
func (s *running) group() int {
	select {
	case <-s.out.marked:
	case <-s.ended:
	case <-time.After(grace):
	}
	_, group, _, _ := s.out.split()
	return group
}

func (s *running) close() {
	s.ch.Close()
	go func() {
		<-s.closed // until then it counts for the server
		s.done()
	}()
}
