package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/kevinburke/ssh_config"
)

// Config is what all hosts of a Client have in common. The zero value is valid.
type Config struct {
	// KnownHosts is the known_hosts file that is read and added to. "" is what
	// ~/.ssh/config says, else ~/.ssh/known_hosts, with
	// /etc/ssh/ssh_known_hosts as a second one to read.
	KnownHosts string
	// SSHConfig is the ssh_config(5) file; "" is ~/.ssh/config. It may be missing.
	SSHConfig string
	// AcceptNew adds the keys of hosts that are not known without asking.
	AcceptNew bool
	// Prompt asks the operator; nil never asks. It is called by one goroutine at
	// a time.
	Prompt Prompter
	// LoginPassword and SudoPassword are tried, on one host first, before Prompt is
	// called. "" is that none is known.
	LoginPassword, SudoPassword string

	Handshakes     int           // at most so many handshakes at once; 0 is 8 (sshd's MaxStartups begins to drop at 10)
	DialTimeout    time.Duration // for the TCP connection; 0 is 5 s
	ConnectTimeout time.Duration // for the handshake, with the login; 0 is 10 s
	ConnectRetry   time.Duration // a connection that fails without an answer is tried again for so long; 0 is 3 s, < 0 never
	CommandTimeout time.Duration // for one command, read or write; 0 is 10 min
	Keepalive      time.Duration // between probes; a peer silent for three of them is given up; 0 is 15 s

	// Log gets a line for every connection, command and file; nil drops them.
	// Several goroutines call it.
	Log func(host, format string, args ...any)
}

// A Prompter asks the operator a question.
type Prompter interface {
	// Confirm asks a question to be answered by yes or no.
	Confirm(ctx context.Context, question string) (bool, error)
	// Secret asks for something that is not shown while it is typed.
	Secret(ctx context.Context, question string) (string, error)
}

// A Client makes Hosts. Its methods may be called by several goroutines.
type Client struct {
	cfg        Config
	sshConfig  func() (*ssh_config.Config, error)
	hostKeys   *hostKeys
	keys       *keyring
	logins     *passwords    // for the login, where no key is accepted
	sudo       *passwords    // for sudo
	opening    chan struct{} // holds one value for each TCP connection that is being opened, or waits for its handshake
	handshakes chan struct{} // holds one value for each handshake that runs
	asking     chan struct{} // holds a value while the operator is asked

	mu    sync.Mutex
	hops  map[string]*link // connections to jump hosts, by route; all hosts share them
	hosts []*Host
}

// New returns a Client. It reads no file and connects to nothing yet.
func New(cfg Config) (*Client, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, fmt.Errorf("cannot find the home directory for ~/.ssh: %v", err)
	}
	setDefault(&cfg.Handshakes, 8)
	setDefault(&cfg.DialTimeout, 5*time.Second)
	setDefault(&cfg.ConnectTimeout, 10*time.Second)
	setDefault(&cfg.ConnectRetry, 3*time.Second)
	setDefault(&cfg.CommandTimeout, 10*time.Minute)
	setDefault(&cfg.Keepalive, 15*time.Second)
	setDefault(&cfg.SSHConfig, filepath.Join(home, ".ssh", "config"))
	if cfg.Log == nil {
		cfg.Log = func(string, string, ...any) {}
	}
	c := &Client{
		cfg:        cfg,
		opening:    make(chan struct{}, maxOpening),
		handshakes: make(chan struct{}, cfg.Handshakes),
		asking:     make(chan struct{}, 1),
		hops:       make(map[string]*link),
		hostKeys:   &hostKeys{},
		keys:       &keyring{files: make(map[string]*identity)},
	}
	c.logins = &passwords{kind: "SSH password", given: cfg.LoginPassword, prompt: cfg.Prompt, ask: c.ask, all: make(map[string]*password)}
	c.sudo = &passwords{kind: "sudo password", given: cfg.SudoPassword, prompt: cfg.Prompt, ask: c.ask, all: make(map[string]*password)}
	c.sshConfig = sync.OnceValues(func() (*ssh_config.Config, error) {
		return readSSHConfig(cfg.SSHConfig, cfg.Log)
	})
	return c, nil
}

// maxOpening keeps the number of sockets far below the usual limit of 1,024 file
// descriptors, however many hosts are down.
const maxOpening = 256

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// Host returns the host of that target. It connects at the first use.
func (c *Client) Host(t Target) *Host {
	h := &Host{client: c, target: t}
	var known *rights // from an earlier connection; the link dials one at a time
	h.link.dial = func(ctx context.Context) (*conn, error) {
		route, err := c.route(t)
		if err != nil {
			return nil, err
		}
		conn, err := c.dial(ctx, route)
		if err != nil || !t.Sudo || conn.ep.user == "root" {
			return conn, err
		}
		if known != nil {
			conn.rights = *known
			return conn, nil
		}
		if err := c.root(ctx, conn); err != nil {
			conn.release()
			return nil, err
		}
		r := conn.rights
		known = &r
		c.cfg.Log(conn.ep.name, "%s acts as %s", conn.ep.user, conn.actsAs())
		return conn, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts = append(c.hosts, h)
	return h
}

// Close drops all connections, also those to jump hosts.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		h.link.close()
	}
	for _, l := range c.hops {
		l.close()
	}
	return nil
}

// ask runs f while no other question is put to the operator.
func (c *Client) ask(ctx context.Context, f func() error) error {
	select {
	case c.asking <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.asking }()
	if err := context.Cause(ctx); err != nil { // while another question was open
		return err
	}
	return f()
}
