package remote

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestPasswordLogin(t *testing.T) {
	for _, tt := range []struct {
		name   string
		server *fakeServer
		given  string
		typed  []string // nil is that there is no terminal
		asked  int
		tried  int
		want   []string // of the error and its hint; none is that it works
	}{
		{name: "given", server: &fakeServer{}, given: sesame, tried: 1},
		{name: "keyboard-interactive only", server: &fakeServer{question: "Password: "}, given: sesame, tried: 1},
		{name: "asked for", server: &fakeServer{}, typed: []string{sesame}, asked: 1, tried: 1},
		{name: "asked for again", server: &fakeServer{question: "Password: "}, typed: []string{"wrong", sesame}, asked: 2, tried: 2},
		{name: "given and wrong, then asked for", server: &fakeServer{}, given: "wrong", typed: []string{sesame}, asked: 1, tried: 2},
		{name: "never right", server: &fakeServer{}, typed: []string{"a", "b", "c", "d"}, asked: 3, tried: 3, want: []string{"refused the login of ops with the password", "PermitRootLogin"}},
		{name: "nothing typed", server: &fakeServer{}, typed: []string{""}, asked: 1, want: []string{"refused the login of ops"}},
		{name: "given and wrong", server: &fakeServer{}, given: "wrong", tried: 1, want: []string{"with the password"}},
		{name: "nobody to ask", server: &fakeServer{}, want: []string{"refused the login of ops", "IPFABRIC_SSH_PASSWORD"}},
		{name: "a second factor", server: &fakeServer{question: "Password: |One-time code: "}, given: sesame, want: []string{`"One-time code:"`, "log in there once with ssh"}},
		{name: "a second factor alone", server: &fakeServer{question: "Verification code: "}, typed: []string{sesame}, want: []string{`"Verification code:"`}},
		{name: "few tries", server: &fakeServer{maxTries: 3}, given: sesame, tried: 1},
		{name: "few tries, not given", server: &fakeServer{maxTries: 3}, typed: []string{sesame}, want: []string{"MaxAuthTries", "ssh.keys"}},
		{name: "a key does", server: &fakeServer{keys: true}, given: "not needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			t.Setenv("SSH_AUTH_SOCK", "")
			tt.server.password = sesame
			f := tt.server.start(t)
			target := f.target()
			switch {
			case f.maxTries > 0:
				startAgent(t, 9)
				target.Keys = nil
			case !f.keys:
				target.Keys = nil
			}
			op := &operator{passphrase: tt.typed}
			cfg := Config{LoginPassword: tt.given}
			if tt.typed != nil {
				cfg.Prompt = op
			}
			h := newClient(t, cfg, &f.server).Host(target)
			if len(tt.want) > 0 {
				has(t, connectFails(t, h, Auth), tt.want...)
			} else if out, err := h.Query(testContext(t), "echo", "in"); err != nil || out != "in\n" {
				t.Errorf("got %q, %v", out, err)
			}
			if len(op.asked) != tt.asked || len(f.passwords()) != tt.tried {
				t.Errorf("asked %q, tried %q; want %d and %d", op.asked, f.passwords(), tt.asked, tt.tried)
			}
		})
	}
}

// loginAll logs in to five hosts at once.
func loginAll(t *testing.T, c *Client, f *fakeServer) []error {
	t.Helper()
	ctx := testContext(t)
	errs := make([]error, 5)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			target := f.target()
			target.Name, target.Keys = fmt.Sprintf("node%d", i+1), nil
			errs[i] = c.Host(target).Open(ctx)
		}()
	}
	wg.Wait()
	return errs
}

func TestPasswordOfAllHosts(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	f := (&fakeServer{password: sesame}).start(t)
	op := &operator{passphrase: []string{"wrong", sesame}}
	if err := errors.Join(loginAll(t, newClient(t, Config{Prompt: op}, &f.server), f)...); err != nil {
		t.Error(err)
	}
	if len(op.asked) != 2 || op.asked[0] != "SSH password of ops" {
		t.Errorf("asked %q", op.asked)
	}
	if tried := f.passwords(); len(tried) != 6 || tried[0] != "wrong" || slices.Contains(tried[1:], "wrong") {
		t.Errorf("tried %q", tried)
	}

	f = (&fakeServer{password: sesame}).start(t)
	for i, err := range loginAll(t, newClient(t, Config{LoginPassword: "wrong"}, &f.server), f) {
		var ce *ConnectError
		if !errors.As(err, &ce) || ce.Kind != Auth {
			t.Errorf("node%d: got %v, want that the login is refused", i+1, err)
		}
	}
	if tried := f.passwords(); len(tried) != 1 {
		t.Errorf("tried %q on five hosts; one try tells", tried)
	}
}

// A password that is known to be right goes with the first handshake.
func TestConnectingAgainByPassword(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "")
	f := (&fakeServer{password: sesame}).start(t)
	p := startProxy(t, &f.server)
	target := p.target()
	target.Keys = nil
	h := newClient(t, Config{LoginPassword: sesame}, p.server).Host(target)
	if err := h.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	before := p.connections()
	h.Close()
	if err := h.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if n := p.connections() - before; n != 1 {
		t.Errorf("it took %d connections, want 1", n)
	}
}

// sshd counts a key that it refuses as a failure, and hangs up after some of them.
func TestServerThatAllowsFewTries(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	keys := startAgent(t, 5)
	s := startSSHD(t, "MaxAuthTries 3")
	s.authorize(t, keys[4])
	target := s.target()
	target.Keys = nil
	has(t, connectFails(t, newClient(t, Config{}, s).Host(target), Auth), "MaxAuthTries", "ssh.keys")
}

// sshd drops connections beyond MaxStartups; they are tried again.
func TestServerThatTakesFewAtOnce(t *testing.T) {
	s := startSSHD(t, "MaxStartups 1")
	c := newClient(t, Config{ConnectRetry: 20 * time.Second}, s)
	opened := make(chan error, 8)
	for range 8 {
		h := c.Host(s.target())
		go func() { opened <- h.Open(testContext(t)) }()
	}
	for range 8 {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(s.log(t), "MaxStartups") {
		t.Log("sshd has dropped no connection this time")
	}
}

func TestTooFewSessions(t *testing.T) {
	_, h := connect(t, "MaxSessions 1")
	ctx := testContext(t)
	if _, err := h.Query(ctx, "true"); err != nil {
		t.Error(err)
	}
	if _, err := h.ReadFile(ctx, "/etc/passwd"); err != nil {
		t.Error(err)
	}
	err := h.Run(ctx, "true") // beside the SFTP session
	var ce *ConnectError
	if !errors.As(err, &ce) || ce.Kind != NoSession {
		t.Fatalf("got %v", err)
	}
	has(t, ce.Hint(), "MaxSessions", "3 or more")
}
