package remote

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A Target says how to reach a host. Fields that are zero come from ~/.ssh/config, looked up by
// Address, or by Name if that is empty; then from the defaults.
type Target struct {
	Name    string   // what messages call it
	Address string   // name or address to connect to; "" is Name
	Port    int      // 0 is 22
	User    string   // "" is root
	Keys    []string // private key files; if any, no other keys are tried
	Jump    []string // jump hosts, first hop first: [user@]host[:port]; "none" alone is none
	Sudo    bool     // a user who is not root becomes root by sudo for all commands and files

	// Line returns a line for the operator's own shell that logs in as that user and runs the
	// command, whose arguments are quoted for a shell. Hints of errors show it; nil shows none.
	Line func(user, command string) string
}

// An endpoint is one SSH server with all that is needed to log in there.
type endpoint struct {
	name       string                            // for messages
	host       string                            // to dial
	port       int                               //
	user       string                            //
	alias      string                            // to look up in known_hosts in place of host; "" is host
	keys       []string                          // key files to try, in this order
	mustKeys   bool                              // the caller named the keys: it is an error if one cannot be read
	onlyKeys   bool                              // of the keys of the agent, only those in keys are tried
	agent      string                            // socket; "" is none
	knownHosts []string                          // the first is written to
	via        []string                          // [user@]host:port of the hops before it, for messages
	line       func(user, command string) string // as Target.Line
}

// pasteable is Target.Line for this endpoint's user, "" if there is none.
func (e endpoint) pasteable(command string) string {
	if e.line == nil {
		return ""
	}
	return e.line(e.user, command)
}

func (e endpoint) addr() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

// keyAddr is the host:port under which known_hosts knows it.
func (e endpoint) keyAddr() string {
	if e.alias != "" {
		return net.JoinHostPort(e.alias, "22")
	}
	return e.addr()
}

// hop is how `ssh -J` names it.
func (e endpoint) hop() string {
	host := e.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if e.port != 22 {
		host += ":" + strconv.Itoa(e.port)
	}
	return e.user + "@" + host
}

const maxHops = 8 // more is a loop in ssh_config

// route returns the jump hosts of a target, first hop first, and the target.
func (c *Client) route(t Target) ([]endpoint, error) {
	route, err := c.hopsTo(t, "", t.Jump, 0)
	if err == nil {
		return route, nil
	}
	var ce *ConnectError
	if errors.As(err, &ce) {
		return nil, err
	}
	return nil, &ConnectError{Host: t.Name, Kind: Setup, Err: err, what: "cannot be reached: " + err.Error(),
		hint: "correct it there, or let fabric.yaml say address, user, port, keys and jump hosts"}
}

func (c *Client) hopsTo(t Target, name string, jump []string, depth int) ([]endpoint, error) {
	if depth > maxHops {
		return nil, fmt.Errorf("there are more than %d jump hosts on the way: does one's ProxyJump lead back to itself", maxHops)
	}
	ep, proxy, err := c.endpoint(t)
	if err != nil {
		return nil, err
	}
	if name != "" {
		ep.name = name
	}
	if len(jump) == 0 {
		jump = proxy
	}
	if len(jump) == 0 || (len(jump) == 1 && strings.EqualFold(jump[0], "none")) {
		return []endpoint{ep}, nil
	}
	// The last jump host is reached through those before it. How the first one is reached,
	// its own entry in ssh_config says.
	last := jump[len(jump)-1]
	ht, err := parseHop(last)
	if err != nil {
		return nil, err
	}
	ht.Keys = t.Keys
	hops, err := c.hopsTo(ht, "jump host "+ht.Name, jump[:len(jump)-1], depth+1)
	if err != nil {
		return nil, err
	}
	for _, h := range hops {
		ep.via = append(ep.via, h.hop())
	}
	return append(hops, ep), nil
}

// parseHop reads [user@]host[:port] and ssh://[user@]host[:port].
func parseHop(s string) (Target, error) {
	u, err := url.Parse("ssh://" + strings.TrimPrefix(strings.TrimSpace(s), "ssh://"))
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return Target{}, fmt.Errorf("the jump host %q is not of the form [user@]host[:port]", s)
	}
	t := Target{Name: u.Hostname(), Address: u.Hostname(), User: u.User.Username()}
	if p := u.Port(); p != "" {
		if t.Port, err = strconv.Atoi(p); err != nil || t.Port < 1 || t.Port > 65535 {
			return Target{}, fmt.Errorf("the port of the jump host %q is not a number from 1 to 65535", s)
		}
	}
	return t, nil
}

// endpoint fills in the fields that a target leaves zero, and returns the jump hosts that
// ssh_config has for it.
func (c *Client) endpoint(t Target) (endpoint, []string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return endpoint{}, nil, err
	}
	alias := t.Address
	setDefault(&alias, t.Name)
	setDefault(&t.Name, alias)
	cfg, err := c.options(alias)
	if err != nil {
		return endpoint{}, nil, err
	}
	ep := endpoint{name: t.Name, host: alias, port: t.Port, user: t.User, line: t.Line, alias: cfg.get("HostKeyAlias")}
	if h := cfg.get("HostName"); h != "" {
		ep.host = strings.ReplaceAll(h, "%h", alias)
	}
	if ep.port == 0 {
		ep.port = 22
		if p := cfg.get("Port"); p != "" {
			if ep.port, err = strconv.Atoi(p); err != nil {
				return endpoint{}, nil, fmt.Errorf("%s: Port %q is not a number", c.cfg.SSHConfig, p)
			}
		}
	}
	setDefault(&ep.user, cfg.get("User"))
	setDefault(&ep.user, "root")

	expand := func(path string) string { return expandPath(path, home, ep) }
	ep.agent = expand(cfg.get("IdentityAgent"))
	switch {
	case ep.agent == "" || ep.agent == "SSH_AUTH_SOCK":
		ep.agent = os.Getenv("SSH_AUTH_SOCK")
	case strings.EqualFold(ep.agent, "none"):
		ep.agent = ""
	case strings.HasPrefix(ep.agent, "$"):
		ep.agent = os.Getenv(strings.Trim(ep.agent, "${}"))
	}
	ep.keys, ep.onlyKeys = mapped(cfg.all("IdentityFile"), expand), strings.EqualFold(cfg.get("IdentitiesOnly"), "yes")
	if len(t.Keys) > 0 {
		ep.keys, ep.mustKeys, ep.onlyKeys = mapped(t.Keys, expand), true, true
	}
	if len(ep.keys) == 0 {
		for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
			ep.keys = append(ep.keys, filepath.Join(home, ".ssh", name))
		}
	}
	ep.knownHosts = []string{c.cfg.KnownHosts}
	if c.cfg.KnownHosts == "" {
		ep.knownHosts = mapped(strings.Fields(cfg.get("UserKnownHostsFile")), expand)
		if len(ep.knownHosts) == 0 {
			ep.knownHosts = []string{filepath.Join(home, ".ssh", "known_hosts")}
		}
		ep.knownHosts = append(ep.knownHosts, "/etc/ssh/ssh_known_hosts")
	}
	if p := cfg.get("ProxyCommand"); p != "" && !strings.EqualFold(p, "none") && cfg.get("ProxyJump") == "" && len(t.Jump) == 0 {
		return endpoint{}, nil, fmt.Errorf("%s has ProxyCommand for %s, which ipfabric does not run; use ProxyJump", c.cfg.SSHConfig, alias)
	}
	proxy := slices.DeleteFunc(strings.Split(cfg.get("ProxyJump"), ","), func(s string) bool { return s == "" })
	return ep, proxy, nil
}

// expandPath expands what ssh_config(5) allows in file names.
func expandPath(path, home string, ep endpoint) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(home, rest)
	}
	if !strings.Contains(path, "%") {
		return path
	}
	local := os.Getenv("USER")
	return strings.NewReplacer("%%", "%", "%d", home, "%h", ep.host, "%p", strconv.Itoa(ep.port),
		"%r", ep.user, "%u", local).Replace(path)
}

func mapped(in []string, f func(string) string) []string {
	var out []string
	for _, s := range in {
		out = append(out, f(s))
	}
	return out
}
