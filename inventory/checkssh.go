package inventory

import (
	"net/netip"
	"path/filepath"
	"strings"
	"unicode"
)

// sshDefaults checks the settings of hosts that have none of their own.
func (c *checker) sshDefaults(raw *rawSSHDefaults) SSH {
	if raw.KnownHosts.given() && raw.KnownHosts.s != "" {
		c.f.KnownHosts = c.path(raw.KnownHosts, "ssh.known_hosts")
	}
	own := rawSSH{User: raw.User, Port: raw.Port, Keys: raw.Keys, Jump: raw.Jump, Sudo: raw.Sudo}
	return c.ssh(&own, "ssh", SSH{Sudo: true})
}

// ssh checks one host's settings, or the defaults. An empty list replaces the
// default, as opposed to a list that is left out.
func (c *checker) ssh(raw *rawSSH, path string, def SSH) SSH {
	out := def
	if raw.Address.given() && !raw.Address.bad && raw.Address.s != "" {
		out.Address = c.sshAddress(raw.Address, path+".address")
	}
	if raw.User.given() && !raw.User.bad {
		out.User = c.user(raw.User, path+".user")
	}
	if raw.Port.given() && !raw.Port.bad {
		out.Port = c.integer(raw.Port, path+".port", 22, 1, 65535)
	}
	if raw.Keys.given() && !raw.Keys.bad {
		out.Keys = c.keys(&raw.Keys, path+".keys")
	}
	if raw.Jump.given() && !raw.Jump.bad {
		out.Jump = c.jumps(&raw.Jump, path+".jump")
	}
	out.Sudo = c.boolean(raw.Sudo, path+".sudo", def.Sudo)
	return out
}

func (c *checker) sshAddress(t text, path string) string {
	a, err := netip.ParseAddr(t.s)
	if err != nil {
		if msg := hostFault(t.s); msg != "" {
			c.errorf(t.at, "write a name or an IP address; user and port have keys of their own", "%s: %s is not a host: %s", path, quote(t.s), msg)
			return ""
		}
		return t.s
	}
	// A loopback address may be the near end of a tunnel.
	if msg := addressFault(a.WithZone("")); msg != "" && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
		c.errorf(t.at, "write a name or the address that sshd listens on", "%s: %s %s", path, t.s, msg)
		return ""
	}
	if !c.outsidePools(a.WithZone(""), t.at, path, "write an address outside the pools") {
		return ""
	}
	if a == c.f.Gateway.IPv4 {
		c.errorf(t.at, "write the host's own address", "%s: %s is the VMs' gateway", path, a)
		return ""
	}
	return t.s
}

// hostFault says what is wrong with a host name, which may also be an alias of
// ~/.ssh/config.
func hostFault(s string) string {
	if s == "" {
		return "it is empty"
	}
	if len(s) > 253 {
		return "it is longer than 253 characters"
	}
	if s[0] == '-' || s[0] == '.' {
		return "it begins with " + s[:1]
	}
	for _, r := range s {
		if !isAlnum(r) && !strings.ContainsRune("-_.", r) {
			return "it has " + quote(string(r)) + " in it"
		}
	}
	if strings.Contains(s, "..") {
		return `it has ".." in it`
	}
	if strings.Trim(s, "0123456789.") == "" {
		return "it is a number, and no IP address"
	}
	return ""
}

func (c *checker) user(t text, path string) string {
	if msg := userFault(t.s); msg != "" {
		c.errorf(t.at, "write letters, digits and . _ - + @ \\, such as user: root", "%s: %s is not a user name: %s", path, quote(t.s), msg)
		return ""
	}
	return t.s
}

// userFault says what is wrong with a user name. It takes those of directory services too:
// user@realm, DOMAIN\user, and letters of any script. A shell on the way to the host sees
// the name, so a character with a meaning for shells, other than the backslash, is refused.
func userFault(s string) string {
	if len(s) > 255 {
		return "it is longer than 255 characters"
	}
	if strings.HasPrefix(s, "-") {
		return "it begins with -"
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(`._-+@\`, r) {
			return "it has " + quote(string(r)) + " in it"
		}
	}
	return ""
}

func (c *checker) keys(l *list[text], path string) []string {
	var out []string
	for _, t := range l.items {
		if t.bad {
			continue
		}
		if strings.HasSuffix(t.s, ".pub") {
			c.errorf(t.at, "write the path of the private key, without .pub", "%s: %s is the public half of a key", path, quote(t.s))
			continue
		}
		if p := c.path(t, path); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func (c *checker) jumps(l *list[text], path string) []string {
	var out []string
	for _, t := range l.items {
		if t.bad {
			continue
		}
		if msg := jumpFault(t.s); msg != "" {
			c.errorf(t.at, `write each hop as host, user@host or user@host:port, an IPv6 address as "[fd00::1]:22"`, "%s: %s is not a jump host: %s", path, quote(t.s), msg)
			continue
		}
		out = append(out, t.s)
	}
	return out
}

func jumpFault(s string) string {
	host := s
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		if i == 0 {
			return "there is no user before the @"
		}
		if msg := userFault(s[:i]); msg != "" {
			return msg
		}
		host = s[i+1:]
	}
	if strings.HasPrefix(host, "[") {
		inner, rest, closed := strings.Cut(host[1:], "]")
		if a, err := netip.ParseAddr(inner); !closed || err != nil || !a.Is6() {
			return "there is no IPv6 address in the brackets"
		}
		if rest == "" {
			return ""
		}
		if !strings.HasPrefix(rest, ":") {
			return "after the bracket comes :port"
		}
		return portFault(rest[1:])
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	name, port, hasPort := strings.Cut(host, ":")
	if _, err := netip.ParseAddr(name); err != nil {
		if msg := hostFault(name); msg != "" {
			return msg
		}
	}
	if hasPort {
		return portFault(port)
	}
	return ""
}

func portFault(s string) string {
	if n, err := parseDigits(s, 16); err != nil || n == 0 {
		return "the port is not a number from 1 to 65535"
	}
	return ""
}

// path makes a path of the file absolute.
func (c *checker) path(t text, what string) string {
	switch {
	case t.bad:
		return ""
	case t.s == "":
		c.errorf(t.at, "write a path, or remove it", "%s: the path is empty", what)
		return ""
	case strings.ContainsRune(t.s, 0):
		c.errorf(t.at, "write a path", "%s has a NUL character in it", what)
		return ""
	case filepath.IsAbs(t.s):
		return filepath.Clean(t.s)
	case t.s == "~" || strings.HasPrefix(t.s, "~/"):
		home, err := c.homes()
		if err != nil {
			c.errorf(t.at, "write the path in full, or set HOME", "%s: %s: your home folder is not known", what, quote(t.s))
			return ""
		}
		return filepath.Join(home, t.s[1:])
	case t.s[0] == '~':
		c.errorf(t.at, "write the path in full", "%s: %s: only your own home folder, ~/, is known", what, quote(t.s))
		return ""
	}
	return filepath.Join(c.dir, t.s)
}
