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
	noKeys   bool   // the server hangs up before it comes to the password

	keys    *offer
	trusted bool   // the server has shown the right host key
	failed  error  // what to report, whatever the handshake's own error says
	offered bool   // the server would take a password
	sent    bool   // it was given one
	strange string // it asked this, which is no password
	hungUp  bool   // it had enough tries

	answered bool // it has sent something, at least its version
}

// methods are the ways to log in, in their order: keys, then a password in either of the ways that
// servers ask for one.
func (at *attempt) methods() []ssh.AuthMethod {
	var out []ssh.AuthMethod
	if !at.noKeys {
		out = append(out, ssh.PublicKeys(at.keys.signers...))
	}
	return append(out, ssh.KeyboardInteractive(at.answer), ssh.PasswordCallback(at.give))
}

var errNoPassword = errors.New("there is no password to try")

// give returns the password, once: a second time would be a second failure for a server that
// counts them.
func (at *attempt) give() (string, error) {
	at.offered = true
	if at.password == "" || at.sent {
		return "", errNoPassword
	}
	at.sent = true
	return at.password, nil
}

// answer answers a server that asks questions: one, whose answer is not shown, is for the password.
func (at *attempt) answer(_, _ string, questions []string, echo []bool) ([]string, error) {
	if len(questions) == 0 {
		return []string{}, nil
	}
	if len(questions) > 1 || echo[0] || at.sent || !asksPassword(questions[0]) {
		at.strange = strings.TrimSpace(questions[len(questions)-1])
		return nil, errNoPassword
	}
	password, err := at.give()
	return []string{password}, err
}

// asksPassword tells the question for the password, in any language, from those for codes and for a new
// password in place of one that has expired.
func asksPassword(question string) bool {
	question = strings.ToLower(question)
	return !slices.ContainsFunc([]string{"code", "token", "otp", "one-time", "new password"}, func(word string) bool {
		return strings.Contains(question, word)
	})
}

// String is the rest of a sentence: what the login was tried with.
func (at *attempt) String() string {
	switch {
	case at.sent && (at.noKeys || len(at.keys.names) == 0):
		return "with the password"
	case at.sent:
		return at.keys.String() + " and with the password"
	}
	return at.keys.String()
}

// logIn makes one attempt to connect, with the keys and the password that is known to be right; and if
// the server wants a password that is not known yet, with that.
func (c *Client) logIn(ctx context.Context, route []endpoint) (*conn, error) {
	ep := route[len(route)-1]
	at := &attempt{ep: ep, password: c.logins.proved(ep)}
	conn, err := c.dialOnce(ctx, route, at)
	var ce *ConnectError
	if err == nil || !errors.As(err, &ce) || ce.Kind != Auth || at.strange != "" {
		return conn, err
	}
	if !at.offered && !(at.hungUp && c.logins.known(ep)) {
		return nil, err
	}
	if at.sent { // what other hosts have accepted
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
		if errors.As(err, &ce) && ce.Kind == Auth && at.sent && at.strange == "" {
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

// noLoginPassword is the error of a host that takes none of the keys, and a password that is not known.
func (c *Client) noLoginPassword(at *attempt, keysAlone error, none *noPasswordError) error {
	ep := at.ep
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Kind: Auth, Err: none}
	var before *ConnectError
	errors.As(keysAlone, &before) // which it is
	switch {
	case none.refused == ep.name:
		e.what = fmt.Sprintf("refused the login of %s %s", ep.user, at)
		e.hint = "see that it is the password of " + ep.user + " there, and that sshd lets that user in with a password (PermitRootLogin, AllowUsers)"
	case none.refused != "":
		e.what = before.what + fmt.Sprintf("; the password given was refused by %s and is not tried again", none.refused)
		e.hint = "see that it is the password that " + ep.user + " has on the hosts"
	case none.asked:
		e.what, e.hint = before.what, before.hint
	default:
		e.what = before.what
		e.hint = before.hint
		if at.offered {
			e.hint += "; it would also take a password, which can be given in the environment: IPFABRIC_SSH_PASSWORD"
		}
	}
	return e
}

// tooManyTries says whether the server hung up because too many ways to log in were tried.
func tooManyTries(err error) bool {
	return strings.Contains(strings.ToLower(err.Error()), "too many authentication failures")
}
