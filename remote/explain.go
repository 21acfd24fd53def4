package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// explainDial says why there is no TCP connection.
func (c *Client) explainDial(ctx context.Context, ep endpoint, err error) error {
	if context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), errConnectTimeout) {
		return context.Cause(ctx)
	}
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Err: err}
	var name *net.DNSError
	var channel *ssh.OpenChannelError
	switch {
	case errors.As(err, &channel):
		via := ep.via[len(ep.via)-1]
		e.Kind = Unreachable
		e.what = fmt.Sprintf("cannot be reached from the jump host %s: %s", via, channel.Message)
		e.hint = "check that the address is right and that the jump host has a route to it"
		if channel.Reason == ssh.Prohibited {
			e.final = true
			e.what = fmt.Sprintf("cannot be reached: the jump host %s does not forward to it (%s)", via, channel.Message)
			e.hint = "the jump host's sshd_config must have AllowTcpForwarding yes, and its PermitOpen this address"
		}
	case errors.As(err, &name):
		e.Kind = Unresolved
		e.what = fmt.Sprintf("has no address: %v", name.Err)
		e.hint = fmt.Sprintf("name an address, or give %s one in DNS, /etc/hosts or as HostName in %s", ep.host, c.cfg.SSHConfig)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Kind = Refused
		e.what = "refused the connection: nothing listens on that port"
		e.hint = "check that sshd runs there and that the port is right; a machine that boots needs a moment"
	case context.Cause(ctx) != nil || isTimeout(err):
		e.Kind = Timeout
		e.what = fmt.Sprintf("did not answer within %v", c.cfg.DialTimeout)
		e.hint = "check that the host is up, that the address is right and that no firewall drops the packets"
	default:
		e.Kind = Unreachable
		e.what = fmt.Sprintf("cannot be reached: %v", innermost(err))
		e.hint = "check that the host is up and that there is a route to it"
	}
	return e
}

// explainHandshake says why there is a TCP connection, but no login.
func (c *Client) explainHandshake(ctx context.Context, at *attempt, algorithms []string, err error) error {
	ep := at.ep
	e := &ConnectError{Host: ep.name, Address: ep.addr(), Err: err}
	var none *ssh.AlgorithmNegotiationError
	switch {
	case context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), errConnectTimeout):
		return context.Cause(ctx)
	case context.Cause(ctx) != nil:
		e.Kind = Timeout
		e.what = fmt.Sprintf("accepted the connection, but the login was not done within %v", c.cfg.ConnectTimeout)
		e.hint = "the host may be overloaded, or what listens there is no SSH server"
		if at.answered {
			// The versions are short; the next packets, with the lists of algorithms, are about as long
			// as the link allows. On the way they are lost where the MTU is smaller and nobody says so.
			e.hint = "the TCP connection opens and short packets arrive; if large ones do not, the MTU is wrong somewhere on the way: " +
				"try `ping -M do -s 1452 " + ep.host + "` with smaller sizes; else the host is overloaded"
		}
	case errors.As(err, &none) && !slices.Equal(algorithms, firstContact) && slices.Equal(none.SupportedAlgorithms, algorithms):
		e.Kind = HostKeyChanged
		e.what = fmt.Sprintf("no longer has a host key of the kind in known_hosts (it has %s, known is %s)",
			strings.Join(none.RequestedAlgorithms, ", "), strings.Join(algorithms, ", "))
		e.hint = "if the host was installed again, remove its old key: " + forget(ep)
	case errors.As(err, &none):
		e.Kind = Setup
		e.what = fmt.Sprintf("has no algorithm in common with ipfabric: %v", err)
		e.hint = "its SSH server is too old, or its configuration allows too few algorithms"
	case tooManyTries(err):
		at.hungUp = true
		e.Kind = Auth
		e.what = fmt.Sprintf("refused the login of %s %s, and closed the connection before all keys were tried: it allows fewer tries (MaxAuthTries)", ep.user, at)
		e.hint = "name the one key to use: ssh.keys in fabric.yaml, or IdentityFile and IdentitiesOnly in " + c.cfg.SSHConfig
	case at.other != "":
		e.Kind = Auth
		e.what = fmt.Sprintf("asked %s at the login for something else than a password: %q", ep.user, at.other)
		e.hint = "log in there once with ssh to see what it needs, such as a new password or a one-time code; ipfabric can send a key or a password only"
	case isGone(err) || !at.trusted:
		e.Kind = Closed
		e.what = fmt.Sprintf("closed the connection before the login: %v", innermost(err))
		e.hint = "too many logins at once (MaxStartups), an address ban such as fail2ban's, or the server on that port is not an SSH server"
	default:
		e.Kind = Auth
		e.what = fmt.Sprintf("refused the login of %s %s", ep.user, at)
		e.hint = at.keys.hint(ep)
	}
	return e
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// isGone says whether the other side closed the connection.
func isGone(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op)
}

// innermost is the innermost error, which says best what happened.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
