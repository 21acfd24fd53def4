package remote

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// connectFails opens a host, wants that to fail in that way, and returns the whole message.
func connectFails(t *testing.T, h *Host, want Kind) string {
	t.Helper()
	err := h.Open(testContext(t))
	var ce *ConnectError
	if !errors.As(err, &ce) {
		t.Fatalf("got %v, want a ConnectError", err)
	}
	if ce.Kind != want {
		t.Fatalf("got %s (%v), want %s", ce.Kind, err, want)
	}
	if ce.Hint() == "" {
		t.Errorf("%v: has no hint", err)
	}
	t.Logf("%v\n%s", err, ce.Hint())
	return err.Error() + "\n" + ce.Hint()
}

func TestRefusedPort(t *testing.T) {
	h := newClient(t, Config{}).Host(Target{Name: "node2", Address: "127.0.0.1", Port: freePort(t, "127.0.0.1")})
	has(t, connectFails(t, h, Refused), "node2 (127.0.0.1:", "refused the connection", "sshd runs")
}

func TestUnknownName(t *testing.T) {
	h := newClient(t, Config{}).Host(Target{Name: "node2", Address: "no-such-host.invalid"})
	has(t, connectFails(t, h, Unresolved), "no-such-host.invalid", "has no address")
}

func TestServerThatNeverAnswers(t *testing.T) {
	h := newClient(t, Config{ConnectTimeout: 200 * time.Millisecond}).Host(Target{Name: "node2", Address: "127.0.0.1", Port: silent(t)})
	start := time.Now()
	has(t, connectFails(t, h, Timeout), "200ms")
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// Where the MTU is too small on the way, the server's version arrives, but no large packet does.
func TestOnlyShortPacketsArrive(t *testing.T) {
	p := startProxy(t, startSSHD(t))
	p.most = 200 // our version, and not our list of algorithms
	h := newClient(t, Config{ConnectTimeout: 500 * time.Millisecond, ConnectRetry: -1}, p.server).Host(p.target())
	has(t, connectFails(t, h, Timeout), "the login was not done within 500ms", "MTU", "ping -M do")
	p.freeze()
	text := connectFails(t, h, Timeout)
	if strings.Contains(text, "MTU") {
		t.Errorf("a server that says nothing is called a matter of the MTU: %s", text)
	}
}

func TestServerThatHangsUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	h := newClient(t, Config{}).Host(Target{Name: "node2", Address: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
	has(t, connectFails(t, h, Closed), "MaxStartups")
}

func TestBootingHostIsTriedAgain(t *testing.T) {
	s := startSSHD(t)
	s.stop()
	tried := make(chan struct{}, 100)
	c := newClient(t, Config{ConnectRetry: 30 * time.Second, Log: func(_, format string, _ ...any) {
		if strings.HasPrefix(format, "no connection") {
			tried <- struct{}{}
		}
	}}, s)
	opened := make(chan error, 1)
	go func() { opened <- c.Host(s.target()).Open(testContext(t)) }()
	<-tried
	<-tried
	s.start(t)
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestRefusedLoginIsNotTriedAgain(t *testing.T) {
	s := startSSHD(t)
	key := filepath.Join(t.TempDir(), "other")
	writeKey(t, key, "")
	target := s.target()
	target.Keys = []string{key}
	h := newClient(t, Config{ConnectRetry: 5 * time.Second}, s).Host(target)
	has(t, connectFails(t, h, Auth), "refused the login of "+s.user, "ED25519 SHA256:", key, "authorized_keys")
	if n := strings.Count(s.log(t), "Connection from"); n != 1 {
		t.Errorf("there were %d connections, want 1", n)
	}
}

func TestOneConnectionForAll(t *testing.T) {
	s, h := connect(t)
	ctx := testContext(t)
	var wg sync.WaitGroup
	for range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if out, err := h.Query(ctx, "echo", "x"); err != nil || out != "x\n" {
				t.Errorf("got %q, %v", out, err)
			}
		}()
	}
	wg.Wait()
	if _, err := h.ReadFile(ctx, "/etc/passwd"); err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.log(t), "Connection from"); n != 1 {
		t.Errorf("there were %d connections, want 1", n)
	}
}

func TestOneCallerGivingUpLeavesTheOthers(t *testing.T) {
	s := startSSHD(t)
	p := startProxy(t, s)
	p.freeze()
	h := newClient(t, Config{}, p.server).Host(p.target())
	gaveUp, cancel := context.WithCancel(testContext(t))
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { first <- h.Open(gaveUp) }()
	waitFor(t, "the dial to begin", func() bool { return p.connections() == 1 })
	go func() { second <- h.Open(testContext(t)) }()
	waitFor(t, "the second caller", func() bool {
		h.link.mu.Lock()
		defer h.link.mu.Unlock()
		return h.link.pending.waiters == 2
	})
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	p.melt()
	if err := <-second; err != nil {
		t.Error(err)
	}
	if p.connections() != 1 {
		t.Errorf("there were %d connections, want 1", p.connections())
	}
}

func TestCallersAllGivingUpEndTheDial(t *testing.T) {
	p := startProxy(t, startSSHD(t))
	p.freeze()
	h := newClient(t, Config{Handshakes: 1}, p.server).Host(p.target())
	ctx, cancel := context.WithCancel(testContext(t))
	opened := make(chan error, 1)
	go func() { opened <- h.Open(ctx) }()
	waitFor(t, "the dial to begin", func() bool { return p.connections() == 1 })
	cancel()
	if err := <-opened; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	p.melt()
	if err := h.Open(testContext(t)); err != nil { // with the one handshake that may run at once
		t.Error(err)
	}
}

func TestCloseAndUseAgain(t *testing.T) {
	s, h := connect(t)
	ctx := testContext(t)
	for range 2 {
		if err := h.Run(ctx, "true"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReadFile(ctx, "/etc/passwd"); err != nil {
			t.Fatal(err)
		}
		h.Close()
	}
	if n := strings.Count(s.log(t), "Accepted publickey"); n != 2 {
		t.Errorf("there were %d logins, want 2", n)
	}
}

func TestIPv6(t *testing.T) {
	s := startSSHDAt(t, "::1", freePort(t, "::1"))
	c := newClient(t, Config{AcceptNew: true})
	h := c.Host(s.target())
	if err := h.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile(c.cfg.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(known), s.knownLine())
	h.Close()
	if err := h.Open(testContext(t)); err != nil { // with what was written
		t.Fatal(err)
	}
}

func TestHostThatIsOff(t *testing.T) {
	h := newClient(t, Config{DialTimeout: 200 * time.Millisecond, ConnectRetry: -1}).Host(Target{Name: "node2", Address: "127.0.0.1", Port: dropping(t)})
	has(t, connectFails(t, h, Timeout), "did not answer within 200ms", "the host is up")
}

// Hosts that are off are waited for together, and hold up no other.
func TestHostsThatAreOffTakeNoHandshake(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{Handshakes: 2, DialTimeout: time.Hour}, s)
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	off, ended := dropping(t), make(chan error, 20)
	for range cap(ended) {
		go func() { ended <- c.Host(Target{Name: "off", Address: "127.0.0.1", Port: off}).Open(ctx) }()
	}
	waitFor(t, "all to be dialled", func() bool { return len(c.opening) == cap(ended) })
	if err := c.Host(s.target()).Open(testContext(t)); err != nil {
		t.Error(err)
	}
	cancel()
	for range cap(ended) {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// With a cap of 2 at most 2 handshakes run at the same time.
func TestHandshakesAreCapped(t *testing.T) {
	s := startSSHD(t)
	p := startProxy(t, s)
	p.freeze()
	c := newClient(t, Config{Handshakes: 2}, p.server)
	opened := make(chan error, 6)
	for range 6 {
		h := c.Host(p.target())
		go func() { opened <- h.Open(testContext(t)) }()
	}
	waitFor(t, "two handshakes", func() bool { return p.handshakes() == 2 })
	time.Sleep(100 * time.Millisecond) // time for a third, which must not come
	if n := p.handshakes(); n != 2 {
		t.Errorf("there are %d handshakes at once, want 2", n)
	}
	p.melt()
	for range 6 {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
}
