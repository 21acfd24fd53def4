package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// An operator answers questions as a test wants it, and keeps them.
type operator struct {
	yes        bool
	passphrase []string // one after the other

	mu      sync.Mutex
	asked   []string
	talking int
	overlap bool
}

func (o *operator) Confirm(_ context.Context, question string) (bool, error) {
	defer o.hear(question)()
	return o.yes, nil
}

func (o *operator) Secret(_ context.Context, question string) (string, error) {
	defer o.hear(question)()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.passphrase) == 0 {
		return "", errors.New("the operator has gone")
	}
	p := o.passphrase[0]
	o.passphrase = o.passphrase[1:]
	return p, nil
}

func (o *operator) hear(question string) (done func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, question)
	o.talking++
	o.overlap = o.overlap || o.talking > 1
	return func() {
		time.Sleep(5 * time.Millisecond) // a person takes a moment
		o.mu.Lock()
		defer o.mu.Unlock()
		o.talking--
	}
}

func TestUnknownHostIsRefused(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{})
	text := connectFails(t, c.Host(s.target()), HostKeyUnknown)
	has(t, text, ssh.FingerprintSHA256(s.hostKey), "--accept-new-host-keys", c.cfg.KnownHosts)
	if known, _ := os.ReadFile(c.cfg.KnownHosts); len(known) != 0 {
		t.Errorf("known_hosts has become %q", known)
	}
}

func TestUnknownHostIsAccepted(t *testing.T) {
	s := startSSHD(t)
	known := filepath.Join(t.TempDir(), "made", "known_hosts") // neither is there
	c := newClient(t, Config{AcceptNew: true, KnownHosts: known})
	if err := c.Host(s.target()).Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != s.knownLine() {
		t.Errorf("known_hosts is %q, want %q", got, s.knownLine())
	}
	// The other judge: OpenSSH's own client must now know the host too.
	out, err := exec.Command("ssh", "-F", "none", "-i", s.key, "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile="+known, "-p", fmt.Sprint(s.port), s.user+"@"+s.address, "true").CombinedOutput()
	if err != nil {
		t.Errorf("ssh: %v: %s", err, out)
	}
}

func TestOperatorIsAskedAboutUnknownHost(t *testing.T) {
	s := startSSHD(t)
	no := &operator{}
	c := newClient(t, Config{Prompt: no})
	connectFails(t, c.Host(s.target()), HostKeyUnknown)
	has(t, strings.Join(no.asked, "\n"), "node2", s.addr(), ssh.FingerprintSHA256(s.hostKey))

	yes := &operator{yes: true}
	c = newClient(t, Config{Prompt: yes, KnownHosts: c.cfg.KnownHosts})
	for range 2 {
		h := c.Host(s.target())
		if err := h.Open(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	if len(yes.asked) != 1 {
		t.Errorf("asked %d times, want 1: %q", len(yes.asked), yes.asked)
	}
}

// Five hosts are met at the same time, two of them at one address.
func TestFirstContactsTakeTurns(t *testing.T) {
	op := &operator{yes: true}
	c := newClient(t, Config{Prompt: op})
	writeFile(t, c.cfg.KnownHosts, "# a last line without its end")
	var servers []*server
	var hosts []*Host
	for i := range 4 {
		servers = append(servers, startSSHD(t))
		hosts = append(hosts, c.Host(servers[i].target()))
	}
	hosts = append(hosts, c.Host(servers[0].target()))
	var wg sync.WaitGroup
	for _, h := range hosts {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := h.Open(testContext(t)); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if op.overlap {
		t.Error("two questions were asked at once")
	}
	if len(op.asked) != 4 {
		t.Errorf("asked %d times, want once for each of 4 servers", len(op.asked))
	}
	known, err := os.ReadFile(c.cfg.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(known), "\n"); n != 5 {
		t.Errorf("known_hosts has %d lines, want 5:\n%s", n, known)
	}
	for _, s := range servers {
		has(t, string(known), "\n"+s.knownLine())
	}
}

func TestChangedHostKeyIsRefused(t *testing.T) {
	s := startSSHD(t)
	other := writeKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey()
	op := &operator{yes: true}
	c := newClient(t, Config{AcceptNew: true, Prompt: op})
	before := fmt.Sprintf("# comment\n[%s]:%d %s", s.address, s.port, ssh.MarshalAuthorizedKey(other))
	writeFile(t, c.cfg.KnownHosts, before)
	text := connectFails(t, c.Host(s.target()), HostKeyChanged)
	has(t, text, c.cfg.KnownHosts+":2", ssh.FingerprintSHA256(s.hostKey), ssh.FingerprintSHA256(other))
	if len(op.asked) != 0 {
		t.Errorf("the operator was asked %q", op.asked)
	}
	if after, _ := os.ReadFile(c.cfg.KnownHosts); string(after) != before {
		t.Errorf("known_hosts has become %q", after)
	}
	// The command that the hint names does what it says.
	_, cmd, _ := strings.Cut(text, "remove its old key: ")
	if out, err := exec.Command("/bin/sh", "-c", cmd).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
	if err := newClient(t, Config{AcceptNew: true, KnownHosts: c.cfg.KnownHosts}).Host(s.target()).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestHostKeyOfAnotherKindIsRefused(t *testing.T) {
	s := startSSHD(t)
	rsa := filepath.Join(t.TempDir(), "rsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(rsa + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, Config{AcceptNew: true})
	writeFile(t, c.cfg.KnownHosts, fmt.Sprintf("[%s]:%d %s", s.address, s.port, public))
	has(t, connectFails(t, c.Host(s.target()), HostKeyChanged), "ssh-keygen -f", "ssh-rsa")
}

// A server with several host keys must show the one that is known.
func TestKnownHostKeyIsAskedFor(t *testing.T) {
	rsa := filepath.Join(t.TempDir(), "rsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(rsa + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	s := startSSHD(t, "HostKey "+rsa)
	c := newClient(t, Config{})
	writeFile(t, c.cfg.KnownHosts, fmt.Sprintf("[%s]:%d %s", s.address, s.port, public))
	if err := c.Host(s.target()).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}

func TestRevokedHostKeyIsRefused(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{AcceptNew: true})
	writeFile(t, c.cfg.KnownHosts, "@revoked * "+string(ssh.MarshalAuthorizedKey(s.hostKey)))
	has(t, connectFails(t, c.Host(s.target()), HostKeyChanged), "revoked in "+c.cfg.KnownHosts+":1")
}

func TestKnownHostsThatCannotBeUsed(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{AcceptNew: true})
	writeFile(t, c.cfg.KnownHosts, "\nnode2 ssh-ed25519 rubbish\n")
	has(t, connectFails(t, c.Host(s.target()), Setup), c.cfg.KnownHosts+":2")

	c = newClient(t, Config{AcceptNew: true, KnownHosts: "/dev/null"})
	has(t, connectFails(t, c.Host(s.target()), Setup), "/dev/null does not keep")
}

// A host behind a known_hosts entry that is hashed, as Debian's ssh writes it.
func TestHashedKnownHosts(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{}, s)
	if out, err := exec.Command("ssh-keygen", "-q", "-H", "-f", c.cfg.KnownHosts).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := c.Host(s.target()).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}

// A leaver is an operator who presses Ctrl-C at the first question.
type leaver struct {
	operator
	leave func()
}

func (l *leaver) Confirm(ctx context.Context, question string) (bool, error) {
	defer l.hear(question)()
	l.leave()
	<-ctx.Done()
	return false, context.Cause(ctx)
}

// Who was interrupted at one question is not asked the next, whoever had queued up for it.
func TestNoQuestionAfterAnInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	servers := []*server{startSSHD(t), startSSHD(t), startSSHD(t), startSSHD(t)}
	op := &leaver{leave: func() {
		waitFor(t, "the others to have their handshakes", func() bool {
			return !slices.ContainsFunc(servers, func(s *server) bool { return !strings.Contains(s.log(t), "Connection closed") })
		})
		cancel()
	}}
	c := newClient(t, Config{Prompt: op})
	var wg sync.WaitGroup
	for _, s := range servers {
		h := c.Host(s.target())
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := h.Open(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
		}()
	}
	wg.Wait()
	if len(op.asked) != 1 {
		t.Errorf("asked %q", op.asked)
	}
}
