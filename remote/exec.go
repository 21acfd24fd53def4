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

	"al.essio.dev/pkg/shellescape"
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
	code := -1 // -1: how the command ended is not known
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

// A shellError says that the user's login shell ended before it ran the command. Its text is the
// rest of a sentence that begins with the command.
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

// A running is a command that was started.
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

// start starts a command. It returns when ctx is done, also if the host does not answer at all.
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
	ch, reqs, done, err := c.open(ctx, cmd.long)
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

// wait waits for the command's end. A command has also ended if it has started a daemon that
// keeps its outputs open.
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
	<-copied // the channel is closed, so this ends at once
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

// signalNumber returns the number of a signal of RFC 4254 section 6.10, if it is the same on all
// Unixes, else 0.
func signalNumber(name string) int {
	names := []string{1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 8: "FPE", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM"}
	return max(slices.Index(names, name), 0)
}

// status is the command's exit status; -1 if it has not ended, or it is not known how.
func (s *running) status() int {
	select {
	case <-s.ended:
		return s.code
	default:
		return -1
	}
}

// stop ends the command: it sends TERM, and closes the session if the command has not ended
// within the grace period.
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

// group waits for the command's process group, which is printed with the marker; 0 if it was not.
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
		<-s.closed // until then the server counts it as an open session
		s.done()
	}()
}

// A CommandError says that a command ran and did not succeed.
type CommandError struct {
	Host    string
	Argv    string // the command, quoted for a shell
	Command string // a line that does the same from the operator's shell, "" without Target.Line: ssh root@10.0.0.22 systemctl reload frr
	Code    int    // its exit status, 128 + n if signal n ended it, -1 if it was stopped or it is not known how it ended
	Stdout  string // the last part of it
	Stderr  string // the last part of it
	Err     error  // why it was stopped; nil if it ended by itself
}

// ExitStatus is the command's exit status; 127 is a command that is not there.
func (e *CommandError) ExitStatus() int { return e.Code }

func (e *CommandError) Unwrap() error { return e.Err }

func (e *CommandError) Error() string {
	s := "`" + e.Argv + "` "
	switch {
	case e.Err != nil:
		s += e.Err.Error()
	case e.Code == 127:
		s += "found no such command"
	case e.Code > 128 && e.Code < 128+65:
		s += fmt.Sprintf("was ended by signal %d", e.Code-128)
	default:
		s += fmt.Sprintf("ended with status %d", e.Code)
	}
	if said := e.Said(); said != "" {
		s += ": " + said
	}
	return s
}

// Said is the last lines of standard error or, if that is empty, of standard output.
func (e *CommandError) Said() string {
	if said := lastLines(e.Stderr, 10); said != "" {
		return said
	}
	return lastLines(e.Stdout, 10)
}

// Hint says what to do about it.
func (e *CommandError) Hint() string {
	if e.Command == "" {
		return ""
	}
	return "to see it for yourself: " + e.Command
}
