package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

func TestEncryptedKeyIsAskedForOnce(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	public := writeKey(t, key, "open sesame").PublicKey()
	op := &operator{passphrase: []string{"wrong", "open sesame"}}
	var servers []*server
	for range 3 {
		s := startSSHD(t)
		s.authorize(t, public)
		servers = append(servers, s)
	}
	c := newClient(t, Config{Prompt: op}, servers...)
	var wg sync.WaitGroup
	for _, s := range servers {
		target := s.target()
		target.Keys = []string{key}
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := c.Host(target).Open(testContext(t)); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if len(op.asked) != 2 || !strings.Contains(op.asked[0], key) { // once, and again after the wrong one
		t.Errorf("asked %q", op.asked)
	}
}

func TestEncryptedKeyWithNobodyToAsk(t *testing.T) {
	s := startSSHD(t)
	key := filepath.Join(t.TempDir(), "key")
	s.authorize(t, writeKey(t, key, "secret").PublicKey())
	target := s.target()
	target.Keys = []string{key}
	has(t, connectFails(t, newClient(t, Config{}, s).Host(target), Setup),
		key+" is encrypted, and there is no terminal to ask for its passphrase: use ssh-agent", "ssh-add "+key)
	if strings.Contains(s.log(t), "Failed") {
		t.Error("it was tried to log in")
	}
}

func TestCheckKeys(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	dir := t.TempDir()
	key := func(name, passphrase string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		writeKey(t, path, passphrase)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, locked, open := key("good", "", 0o600), key("locked", "secret", 0o600), key("open", "", 0o644)
	text := filepath.Join(dir, "text")
	writeFile(t, text, "just some text\n")
	for _, tt := range []struct {
		name   string
		keys   []string
		prompt Prompter
		err    string
		warned int
	}{
		{"good", []string{good}, nil, "", 0},
		{"no key", []string{text}, nil, text + " is not a private key", 0},
		{"no key beside a good one", []string{good, text}, nil, text + " is not a private key", 0},
		{"encrypted", []string{locked}, nil, "is encrypted, and there is no terminal to ask", 0},
		{"encrypted, with somebody to ask", []string{locked}, &operator{}, "", 0},
		{"encrypted, beside a good one", []string{locked, good}, nil, "", 0},
		{"missing", []string{filepath.Join(dir, "none")}, nil, "no such file", 0},
		{"for all to read", []string{open}, nil, "", 1},
		{"none named", nil, nil, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, Config{Prompt: tt.prompt})
			var targets []Target
			for _, name := range []string{"node1", "node2", "node3"} { // of which none is there
				targets = append(targets, Target{Name: name, Address: "192.0.2.1", Keys: tt.keys})
			}
			warnings, err := c.CheckKeys(testContext(t), targets)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if len(warnings) != tt.warned {
				t.Errorf("warnings: %q", warnings)
			}
			if op, ok := tt.prompt.(*operator); ok && len(op.asked) > 0 {
				t.Errorf("asked %q", op.asked)
			}
		})
	}
}

func TestPassphraseThatIsNotKnown(t *testing.T) {
	s := startSSHD(t)
	key := filepath.Join(t.TempDir(), "key")
	s.authorize(t, writeKey(t, key, "secret").PublicKey())
	target := s.target()
	target.Keys = []string{key, s.key}
	op := &operator{passphrase: []string{""}}
	if err := newClient(t, Config{Prompt: op}, s).Host(target).Open(testContext(t)); err != nil {
		t.Error("the next key was not tried:", err)
	}
}

// The server is asked first whether it would take the key.
func TestEncryptedKeyThatIsOfNoUseIsNotAskedFor(t *testing.T) {
	s := startSSHD(t)
	key := filepath.Join(t.TempDir(), "key")
	writeKey(t, key, "secret")
	target := s.target()
	target.Keys = []string{key, s.key}
	op := &operator{}
	if err := newClient(t, Config{Prompt: op}, s).Host(target).Open(testContext(t)); err != nil {
		t.Error(err)
	}
	if len(op.asked) != 0 {
		t.Errorf("asked %q", op.asked)
	}
}

// A key of the old form does not show its public part before it is unlocked.
func TestEncryptedPEMKey(t *testing.T) {
	s := startSSHD(t)
	key := filepath.Join(t.TempDir(), "key")
	out, err := exec.Command("ssh-keygen", "-q", "-m", "PEM", "-t", "rsa", "-b", "2048", "-N", "secret", "-f", key).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	s.authorize(t, public)
	target := s.target()
	target.Keys = []string{key}
	for _, with := range []string{"with .pub", "without .pub"} {
		op := &operator{passphrase: []string{"secret"}}
		if err := newClient(t, Config{Prompt: op}, s).Host(target).Open(testContext(t)); err != nil {
			t.Errorf("%s: %v", with, err)
		}
		if len(op.asked) != 1 {
			t.Errorf("%s: asked %q", with, op.asked)
		}
		os.Remove(key + ".pub")
	}
}

func TestKeyFilesThatCannotBeRead(t *testing.T) {
	s := startSSHD(t)
	c := newClient(t, Config{}, s)
	target := s.target()
	target.Keys = []string{filepath.Join(t.TempDir(), "no-such-key")}
	has(t, connectFails(t, c.Host(target), Setup), target.Keys[0], "no such file", "ssh-keygen -t ed25519")

	writeFile(t, target.Keys[0], "rubbish")
	has(t, connectFails(t, c.Host(target), Setup), target.Keys[0], "is not a private key")
}

// startAgent serves keys on a socket, and makes it the one in the environment.
func startAgent(t *testing.T, n int) []ssh.PublicKey {
	t.Helper()
	ring := agent.NewKeyring()
	var public []ssh.PublicKey
	for i := range n {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: private, Comment: fmt.Sprint("key ", i)}); err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.NewSignerFromKey(private)
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, signer.PublicKey())
	}
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, c)
		}
	}()
	t.Setenv("SSH_AUTH_SOCK", socket)
	return public
}

func TestAgent(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	keys := startAgent(t, 2)
	s := startSSHD(t)
	s.authorize(t, keys[1])
	target := s.target()
	target.Keys = nil
	if err := newClient(t, Config{}, s).Host(target).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}

// With a key named, the agent's others are not tried; with its public part alone, the
// agent has the private one.
func TestNamedKeyInAFullAgent(t *testing.T) {
	keys := startAgent(t, 9)
	s := startSSHD(t)
	s.authorize(t, keys[8])
	public := filepath.Join(t.TempDir(), "key.pub")
	writeFile(t, public, string(ssh.MarshalAuthorizedKey(keys[8])))
	target := s.target()
	target.Keys = []string{public}
	if err := newClient(t, Config{}, s).Host(target).Open(testContext(t)); err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.log(t), "Failed publickey"); n != 0 {
		t.Errorf("%d other keys were tried", n)
	}
}

// sshd hangs up at the sixth key; what is said must be better than "connection closed".
func TestTooManyKeysInTheAgent(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	keys := startAgent(t, 9)
	s := startSSHD(t)
	s.authorize(t, keys[8])
	target := s.target()
	target.Keys = nil
	text := connectFails(t, newClient(t, Config{}, s).Host(target), Auth)
	has(t, text, ssh.FingerprintSHA256(keys[0]), "4 more keys are not tried")
	if strings.Contains(s.log(t), "Too many authentication failures") {
		t.Error("the server hung up")
	}
}

func TestNoKeyAtAll(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(t.TempDir(), "gone"))
	s := startSSHD(t)
	target := s.target()
	target.Keys = nil
	has(t, connectFails(t, newClient(t, Config{}, s).Host(target), Auth), "without a key", "the agent at", "id_ed25519")
}

func TestCertificate(t *testing.T) {
	dir := t.TempDir()
	ca, key := filepath.Join(dir, "ca"), filepath.Join(dir, "key")
	writeKey(t, ca, "")
	writeFile(t, key+".pub", string(ssh.MarshalAuthorizedKey(writeKey(t, key, "").PublicKey())))
	me := currentUser(t)
	if out, err := exec.Command("ssh-keygen", "-q", "-s", ca, "-I", "test", "-n", me, key+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("ssh-keygen", "-y", "-f", ca).Output()
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, ca+".pub", string(out))
	s := startSSHD(t, "TrustedUserCAKeys "+ca+".pub")
	target := s.target()
	target.Keys = []string{key}
	if err := newClient(t, Config{}, s).Host(target).Open(testContext(t)); err != nil {
		t.Error(err)
	}
}
