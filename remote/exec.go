package remote

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
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
	ctx, cancel := withLimit(ctx, h.client.cfg.CommandTimeout)
	defer cancel()
	return c.exec(ctx, cmd)
}

// exec runs a command on the connection.
func (c *conn) exec(ctx context.Context, cmd command) (stdout []byte, err error) {
	start := time.Now()
	code := -1 // its end is not known
	defer func() {
		c.log("%s: status %d in %v", quoteAll(cmd.argv), code, time.Since(start).Round(time.Millisecond))
	}()
	argv := quoteAll(cmd.argv)
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
	before, _, body, marked := s.out.split(c.marker)
	_, _, complaint, ok := s.err.split(c.marker)
	if !ok {
		complaint = s.err.bytes()
	}
	fail := &CommandError{Host: c.ep.name, Argv: argv, Command: cmd.pasteable(c.ep), Code: code,
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
		fail.Err = fmt.Errorf("was not run by the login shell of %s, which ended with status %d", c.ep.user, code)
	case code == 0:
		return body, nil
	}
	return body, fail
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

// start starts a command.
func (c *conn) start(ctx context.Context, cmd command) (*running, error) {
	ch, reqs, done, err := c.open(ctx, cmd.pin)
	if err != nil {
		return nil, err
	}
	ok, err := ch.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{cmd.line(c.marker)}))
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
	s.out, s.err = newOutput(full), newOutput(full)
	copied := make(chan struct{})
	go func() {
		if in := cmd.input(); in != nil {
			io.Copy(ch, in) // a command need not read all of it: its exit status tells
		}
		ch.CloseWrite()
	}()
	go func() {
		defer close(copied)
		var both sync.WaitGroup
		both.Add(2)
		go func() { defer both.Done(); io.Copy(s.out, ch) }()
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
// passes on no signals in sessions of root.
func (s *running) kill() {
	pid := s.pid()
	if pid == 0 {
		return
	}
	ch, reqs, err := s.conn.client.OpenChannel("session", nil)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	go io.Copy(io.Discard, ch)
	go io.Copy(io.Discard, ch.Stderr())
	line := command{argv: []string{"/bin/sh", "-c", `kill -s TERM -- "-$0"`, strconv.Itoa(pid)}}.line(s.conn.marker)
	ch.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{line}))
	ch.CloseWrite()
}

// pid waits for the command's process ID, which comes first; 0 is that it did not come.
func (s *running) pid() int {
	late := time.After(grace)
	for {
		if _, pid, _, ok := s.out.split(s.conn.marker); ok {
			return pid
		}
		select {
		case <-s.out.wrote:
		case <-s.ended:
			return 0
		case <-late:
			return 0
		}
	}
}

func (s *running) close() {
	s.ch.Close()
	go func() {
		<-s.closed // until then it counts for the server
		s.done()
	}()
}
