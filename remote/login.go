package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// An attempt is one handshake: what it tries, and what is known afterwards.
type attempt struct {
	ep       endpoint
	password string // to try when the server has refused the keys; "" is none
	noKeys   bool   // no key is tried, as the server hangs up before it asks for the password

	keys    *offer
	trusted bool   // the server has shown the right host key
	failed  error  // is reported in place of the handshake's own error
	offered bool   // the server accepts passwords
	sent    bool   // the password was sent
	other   string // the server asked this question, which is not for a password
	hungUp  bool   // it closed the connection after too many tries

	answered bool // it has sent something, at least its version
}

// methods are the ways to log in, in the order in which they are tried: keys, then the password, by
// keyboard-interactive or by the method password.
func (at *attempt) methods() []ssh.AuthMethod {
	var out []ssh.AuthMethod
	if !at.noKeys {
		out = append(out, ssh.PublicKeys(at.keys.signers...))
	}
	return append(out, ssh.KeyboardInteractive(at.answer), ssh.PasswordCallback(at.give))
}

var errNoPassword = errors.New("there is no password to try")

// give returns the password, but only once: sending it again would be a second failed try, and
// servers lock accounts after some of them.
func (at *attempt) give() (string, error) {
	at.offered = true
	if at.password == "" || at.sent {
		return "", errNoPassword
	}
	at.sent = true
	return at.password, nil
}

// answer answers the questions of keyboard-interactive. Only a single question whose answer is not
// echoed is taken for that of the password.
func (at *attempt) answer(_, _ string, questions []string, echo []bool) ([]string, error) {
	if len(questions) == 0 {
		return []string{}, nil
	}
	if len(questions) > 1 || echo[0] || at.sent || !asksPassword(questions[0]) {
		at.other = strings.TrimSpace(questions[len(questions)-1])
		return nil, errNoPassword
	}
	password, err := at.give()
	return []string{password}, err
}

// asksPassword says whether a question, in any language, is for the password, and not for a one-time
// code or for a new password in place of one that has expired.
func asksPassword(question string) bool {
	question = strings.ToLower(question)
	return !slices.ContainsFunc([]string{"code", "token", "otp", "one-time", "new password"}, func(word string) bool {
		return strings.Contains(question, word)
	})
}

// String says what the login was tried with, as the end of a sentence.
func (at *attempt) String() string {
	switch {
	case at.sent && (at.noKeys || len(at.keys.names) == 0):
		return "with the password"
	case at.sent:
		return at.keys.String() + " and with the password"
	}
	return at.keys.String()
}

// logIn makes one attempt to connect, with the keys and, if another host has accepted one, the
// password. If the server asks for a password that no host has accepted yet, logIn gets one and tries
// it on a new connection.
func (c *Client) logIn(ctx context.Context, route []endpoint) (*conn, error) {
	ep := route[len(route)-1]
	at := &attempt{ep: ep, password: c.logins.proved(ep)}
	conn, err := c.dialOnce(ctx, route, at)
	var ce *ConnectError
	if err == nil || !errors.As(err, &ce) || ce.Kind != Auth || at.other != "" {
		return conn, err
	}
	if !at.offered && !(at.hungUp && c.logins.known(ep)) {
		return nil, err
	}
	if at.sent { // it was the password that other hosts have accepted
		c.logins.differs(ep)
	}
	keysAlone := err
	err = c.logins.use(ctx, ep, "", func(ctx context.Context, password string) (bool, error) {
		at = &attempt{ep: ep, password: password, noKeys: at.hungUp}
		conn, err = c.dialOnce(ctx, route, at)
		if err != nil && at.hungUp && !at.sent {
			at = &attempt{ep: ep, password: password, noKeys: true}
			conn, err = c.dialOnce(ctx, route, at)
		}
		if errors.As(err, &ce) && ce.Kind == Auth && at.sent && at.other == "" {
			return false, nil
		}
		return err == nil, err
	})
	if none, ok := noPassword(err); ok {
		return nil, c.noLoginPassword(at, keysAlone, none)
	}
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// noLoginPassword is the error of a host that accepts none of the keys and asks for a password that
// is not known.
func (c *Client) noLoginPassword(at *attempt, keysAlone error, none *noPasswordError) error {
	ep := at.ep
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Auth, Err: none}
	var before *ConnectError
	errors.As(keysAlone, &before) // it always is one
	switch {
	case none.refused == ep.name:
		e.what = fmt.Sprintf("refused the login of %s %s", ep.user, at)
		e.hint = "check that it is the password of " + ep.user + " there, and that sshd accepts passwords of that user (PermitRootLogin, AllowUsers)"
	case none.refused != "":
		e.what = before.what + fmt.Sprintf("; the password given was refused by %s and is not tried again", none.refused)
		e.hint = "check that it is the password of " + ep.user + " on the hosts"
	case none.asked:
		e.what, e.hint = before.what, before.hint
	default:
		e.what = before.what
		e.hint = before.hint
		if at.offered {
			e.hint += "; it also accepts a password, which can be given in the environment: IPFABRIC_SSH_PASSWORD"
		}
	}
	return e
}

// tooManyTries says whether the server closed the connection because of too many failed tries.
func tooManyTries(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "too many authentication failures")
}
