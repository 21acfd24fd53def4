package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// An sftpSession is the one SFTP session of a connection.
type sftpSession struct {
	mu     sync.Mutex
	client *sftp.Client
}

// findServer runs OpenSSH's own SFTP server from where distributions have it.
const findServer = `for s in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec /usr/lib; do
[ -x $s/sftp-server ] && exec $s/sftp-server; done; exit 127`

// sftp returns the connection's SFTP session, and opens it if there is none. Two ways
// lead there. The subsystem is the usual one; but a .bashrc that prints something spoils it,
// where it is a program of its own, and an sshd may have none configured. Then the program is run
// as a command, and what comes before the marker is dropped.
func (c *conn) sftp(ctx context.Context) (*sftp.Client, error) {
	c.files.mu.Lock()
	defer c.files.mu.Unlock()
	if c.files.client != nil {
		return c.files.client, nil
	}
	client, err := c.openSFTP(ctx, "subsystem", struct{ Name string }{"sftp"}, false)
	if err != nil && c.alive() && ctx.Err() == nil {
		line := command{argv: []string{"/bin/sh", "-c", findServer}}.line(c.marker)
		client, err = c.openSFTP(ctx, "exec", struct{ Line string }{line}, true)
	}
	var ce *ConnectError
	if err != nil && c.alive() && ctx.Err() == nil && !errors.As(err, &ce) {
		return nil, c.whyNoSFTP(ctx, err)
	}
	c.files.client = client
	return client, err
}

// whyNoSFTP tells a host without an SFTP server from one whose login shell runs nothing at all.
func (c *conn) whyNoSFTP(ctx context.Context, err error) error {
	var fail *CommandError
	var shell *shellError
	_, execErr := c.exec(ctx, command{argv: []string{"true"}})
	if errors.As(execErr, &fail) && errors.As(fail.Err, &shell) {
		return &noShellError{shell: shell, command: fail}
	}
	return fmt.Errorf("%w (%v)", errNoSFTP, err)
}

// A noShellError says that there is no SFTP since the login shell runs no commands.
type noShellError struct {
	shell   *shellError
	command *CommandError // one that was tried
}

func (e *noShellError) Error() string {
	return "the SFTP server " + strings.TrimPrefix(e.command.Error(), "`"+e.command.Argv+"` ")
}

func (e *noShellError) Unwrap() error { return e.shell }

func (e *noShellError) Hint() string {
	return fmt.Sprintf("an `exit` in the .bashrc or .profile of %s ends every command; %s", e.shell.user, e.command.Hint())
}

// openSFTP starts an SFTP server by one of the ways and greets it.
func (c *conn) openSFTP(ctx context.Context, request string, payload any, marked bool) (*sftp.Client, error) {
	ch, reqs, done, err := c.open(ctx, true)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(reqs)
	go io.Copy(io.Discard, ch.Stderr())
	stop := context.AfterFunc(ctx, func() { ch.Close() })
	client, err := greetSFTP(ch, request, payload, c.marker, marked)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		ch.Close()
		done()
		return nil, err
	}
	go func() {
		client.Wait()
		c.files.mu.Lock()
		defer c.files.mu.Unlock()
		if c.files.client == client {
			c.files.client = nil
		}
		ch.Close()
		done()
	}()
	return client, nil
}

func greetSFTP(ch ssh.Channel, request string, payload any, marker string, marked bool) (*sftp.Client, error) {
	ok, err := ch.SendRequest(request, true, ssh.Marshal(payload))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("the server refuses the %s", request)
	}
	if marked {
		if err := skipMarker(ch, marker); err != nil {
			return nil, err
		}
	}
	return sftp.NewClientPipe(ch, ch, sftp.UseConcurrentWrites(true), sftp.UseFstat(true))
}

// skipMarker reads up to the end of the marker's line, and nothing after it.
func skipMarker(r io.Reader, marker string) error {
	var seen []byte
	for len(seen) < maxShown*8 {
		b := make([]byte, 1)
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		seen = append(seen, b[0])
		if b[0] != '\n' {
			continue
		}
		o := newOutput(func() {})
		o.Write(seen)
		if _, _, _, ok := o.split(marker); ok {
			return nil
		}
	}
	return errors.New("the login shell prints too much")
}
