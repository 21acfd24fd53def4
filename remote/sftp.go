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

// sftp returns the connection's SFTP session, and opens it if there is none. First it tries the
// subsystem. That fails if sshd has none configured, or if it is an external program and a .bashrc
// prints something. It also cannot have root's rights by sudo. In these cases the SFTP server is run
// as a command, and what is printed before the marker is dropped.
func (c *conn) sftp(ctx context.Context) (*sftp.Client, error) {
	c.files.mu.Lock()
	defer c.files.mu.Unlock()
	if c.files.client != nil {
		return c.files.client, nil
	}
	var client *sftp.Client
	var err error
	if !c.rights.sudo {
		client, err = c.openSFTP(ctx, c.startSubsystem)
	}
	if client == nil && c.alive() && ctx.Err() == nil {
		client, err = c.openSFTP(ctx, c.startServer)
	}
	var ce *ConnectError
	if err != nil && c.alive() && ctx.Err() == nil && !errors.As(err, &ce) {
		return nil, c.whyNoSFTP(ctx, err)
	}
	c.files.client = client
	return client, err
}

// whyNoSFTP finds out whether the host has no SFTP server, or whether its login shell runs no
// commands or prints too much.
func (c *conn) whyNoSFTP(ctx context.Context, err error) error {
	var fail *CommandError
	var shell *shellError
	_, execErr := c.exec(ctx, command{argv: []string{"true"}})
	if errors.As(execErr, &fail) && errors.As(fail.Err, &shell) {
		return &noShellError{shell: shell, command: fail}
	}
	if errors.Is(err, errNoisyShell) {
		return fmt.Errorf("the login shell of %s %w", c.ep.user, errNoisyShell)
	}
	if c.rights.sudo && execErr != nil { // the right to sudo was taken away in the meantime
		return execErr
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

// openSFTP opens a session and starts an SFTP server in it.
func (c *conn) openSFTP(ctx context.Context, start func(ssh.Channel) (*sftp.Client, error)) (*sftp.Client, error) {
	ch, reqs, done, err := c.open(ctx, true)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(reqs)
	go io.Copy(io.Discard, ch.Stderr())
	stop := context.AfterFunc(ctx, func() { ch.Close() })
	client, err := start(ch)
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

func (c *conn) startSubsystem(ch ssh.Channel) (*sftp.Client, error) {
	if err := request(ch, "subsystem", struct{ Name string }{"sftp"}); err != nil {
		return nil, err
	}
	return newSFTP(ch)
}

// startServer runs the program, with root's rights if commands have them.
func (c *conn) startServer(ch ssh.Channel) (*sftp.Client, error) {
	// The input is empty, but not nil: the SFTP client writes to the channel by itself.
	cmd := command{argv: []string{"/bin/sh", "-c", findServer}, stdin: strings.NewReader("")}
	if err := request(ch, "exec", struct{ Line string }{cmd.line(c.marker, c.rights)}); err != nil {
		return nil, err
	}
	marked, fed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		if !cmd.feed(ch, c.marker, c.rights, marked) {
			ch.Close()
		}
	}()
	err := skipMarker(ch, c.marker)
	close(marked)
	<-fed
	if err != nil {
		return nil, err
	}
	return newSFTP(ch)
}

func request(ch ssh.Channel, kind string, payload any) error {
	ok, err := ch.SendRequest(kind, true, ssh.Marshal(payload))
	if err == nil && !ok {
		err = fmt.Errorf("the server refuses the %s", kind)
	}
	return err
}

func newSFTP(ch ssh.Channel) (*sftp.Client, error) {
	return sftp.NewClientPipe(ch, ch, sftp.UseConcurrentWrites(true), sftp.UseFstat(true))
}

// maxNoise is how much a login shell may print before the SFTP server starts.
const maxNoise = 64 << 10

var errNoisyShell = fmt.Errorf("prints more than %d KiB before it runs a command", maxNoise>>10)

// skipMarker reads up to the end of the marker's line, and nothing after it.
func skipMarker(r io.Reader, marker string) error {
	var seen []byte
	for len(seen) < maxNoise {
		b := make([]byte, 1)
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		seen = append(seen, b[0])
		if b[0] != '\n' {
			continue
		}
		if _, _, _, ok := splitAt(seen, marker); ok {
			return nil
		}
	}
	return errNoisyShell
}
