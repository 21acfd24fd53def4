package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// rights are what commands run with. The zero value is those of the user who logs in.
type rights struct {
	sudo     bool
	password string        // for sudo; "" if sudo needs none
	timeout  time.Duration // how long sudo may take to check it
}

// actsAs is the user as whom commands run.
func (c *conn) actsAs() string {
	if c.rights.sudo {
		return "root"
	}
	return c.ep.user
}

// sudoTimeout is how long sudo may take to check a password; a wrong one takes some seconds.
const sudoTimeout = 30 * time.Second

// root makes the connection's commands run as root. The password for sudo is asked for once and
// tried on one host first.
func (c *Client) root(ctx context.Context, conn *conn) error {
	said, err := conn.execWithin(ctx, sudoTimeout, command{argv: []string{"/bin/sh", "-c", probeSudo}})
	if err != nil {
		return conn.noRoot(err)
	}
	verdict, text, _ := strings.Cut(string(said), "\n")
	refusal := refusalOf(text)
	switch {
	case verdict == "root":
		return nil
	case verdict == "free":
		conn.rights.sudo = true
		return nil
	case verdict == "missing":
		return conn.sudoError(noSudo, "")
	case verdict == "forbidden" && refusal == wantsPassword:
		return conn.sudoError(forbidden, "")
	case refusal != wantsPassword:
		return conn.sudoError(refusal, text)
	}
	err = c.sudo.use(ctx, conn.ep, c.logins.proved(conn.ep), func(ctx context.Context, value string) (bool, error) {
		return conn.tryRights(ctx, rights{sudo: true, password: value, timeout: c.cfg.ConnectTimeout})
	})
	if none, ok := noPassword(err); ok {
		return conn.noSudoPassword(none)
	}
	return err
}

// tryRights says whether sudo accepts a password, and uses it from then on. An error is one that
// another password would not change.
func (c *conn) tryRights(ctx context.Context, r rights) (bool, error) {
	c.rights = r
	_, err := c.execWithin(ctx, sudoTimeout, command{argv: []string{"/bin/sh", "-c", ":"}})
	if err == nil {
		return true, nil
	}
	c.rights = rights{}
	var fail *CommandError
	var sudo *sudoError
	if !errors.As(err, &fail) || !errors.As(fail.Err, &sudo) {
		return false, c.noRoot(err)
	}
	if refusal := refusalOf(fail.Stderr); refusal != wrongPassword {
		return false, c.sudoError(refusal, fail.Stderr)
	}
	return false, nil
}

// noRoot is the error of a connection on which sudo could not even be started.
func (c *conn) noRoot(err error) error {
	var fail *CommandError
	if !errors.As(err, &fail) {
		return err
	}
	fail.Argv = "sudo" // rather than the script
	return &ConnectError{Host: c.ep.name, Address: c.ep.addr(), Kind: NoSession, Err: err,
		what: fmt.Sprintf("lets %s log in, but does not run what is needed: %v", c.ep.user, fail),
		hint: fmt.Sprintf("see what `ssh` as %s and `sudo true` there do", c.ep.user)}
}

// A sudoError says that sudo did not run the command. Its text is the rest of a sentence that
// begins with the command.
type sudoError struct {
	user string
	code int
}

func (e *sudoError) Error() string {
	return fmt.Sprintf("was not run by sudo for %s, which ended with status %d", e.user, e.code)
}

// A refusal is why sudo does not run a command.
type refusal int

const (
	unknownRefusal refusal = iota
	wantsPassword
	wrongPassword
	wantsTerminal
	forbidden
	notInSudoers
	noSudo
)

// refusalOf finds the reason in the messages of sudo or sudo-rs.
func refusalOf(text string) refusal {
	for _, m := range []struct {
		part string
		is   refusal
	}{
		{"must have a tty", wantsTerminal},
		{"not in the sudoers file", notInSudoers},
		{"is not allowed to", forbidden},
		{"may not run sudo", forbidden},
		{"I'm afraid I can't do that", forbidden},
		{"incorrect password attempt", wrongPassword},
		{"incorrect authentication attempt", wrongPassword},
		{"no password was provided", wrongPassword},
		{"uthentication failed, try again", wrongPassword},
		{"password is required", wantsPassword},
		{"authentication is required", wantsPassword},
	} {
		if strings.Contains(text, m.part) {
			return m.is
		}
	}
	return unknownRefusal
}

const sudoersFile = "with `visudo -f /etc/sudoers.d/ipfabric` on the host"

// sudoError is the error of a host that accepts the login, but does not let the user become root.
func (c *conn) sudoError(why refusal, said string) error {
	user := c.ep.user
	e := &ConnectError{Host: c.ep.name, Address: c.ep.addr(), Kind: Sudo}
	grant := fmt.Sprintf("add the line `%s ALL=(ALL) ALL`, or `%s ALL=(ALL) NOPASSWD: ALL` for sudo without a password, %s", user, user, sudoersFile)
	switch why {
	case noSudo:
		e.what = fmt.Sprintf("lets %s log in, but has no sudo to become root with", user)
		e.hint = "install sudo there, or log in as root: ssh.user in fabric.yaml"
	case forbidden:
		e.what = fmt.Sprintf("lets %s log in, but a sudo right is missing: %s may not run all commands as root there", user, user)
		e.hint = grant + "; a list of single commands is not enough"
	case notInSudoers:
		e.what = fmt.Sprintf("lets %s log in, but a sudo right is missing: %s is not in the sudoers file", user, user)
		e.hint = grant
	case wantsTerminal:
		e.what = fmt.Sprintf("lets %s log in, but sudo there wants a terminal (requiretty), which commands over SSH do not have", user)
		e.hint = fmt.Sprintf("add the line `Defaults:%s !requiretty` %s", user, sudoersFile)
	default:
		e.what = fmt.Sprintf("lets %s log in, but sudo there does not work: %s", user, lastLines(said, 5))
		e.hint = fmt.Sprintf("correct it on the host, where `sudo -v` as %s prints the same", user)
	}
	return e
}

// noSudoPassword is the error of a host where sudo wants a password that is not known.
func (c *conn) noSudoPassword(none *noPasswordError) error {
	user := c.ep.user
	e := &ConnectError{Host: c.ep.name, Address: c.ep.addr(), Kind: Sudo, Err: none}
	switch {
	case none.refused == c.ep.name:
		e.what = fmt.Sprintf("refused the password of %s for sudo", user)
		e.hint = "check that it is the password of " + user + " on that host; if there is a second factor, or the account is locked, `sudo -v` there says so"
	case none.refused != "":
		e.what = fmt.Sprintf("wants the password of %s for sudo; the one given was refused by %s and is not tried again", user, none.refused)
		e.hint = "check that it is the password of " + user + " on the hosts"
	case none.asked:
		e.what = fmt.Sprintf("wants the password of %s for sudo, and none was given", user)
		e.hint = fmt.Sprintf("for sudo without a password add the line `%s ALL=(ALL) NOPASSWD: ALL` %s", user, sudoersFile)
	default:
		e.what = fmt.Sprintf("wants the password of %s for sudo, and there is no terminal to ask for it", user)
		e.hint = fmt.Sprintf("give it in the environment, IPFABRIC_SUDO_PASSWORD; or for sudo without a password add the line `%s ALL=(ALL) NOPASSWD: ALL` %s", user, sudoersFile)
	}
	return e
}
