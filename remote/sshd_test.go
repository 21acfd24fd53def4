package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A server is a real sshd on the loopback that runs as the user of the test.
type server struct {
	dir     string
	address string
	port    int
	user    string
	key     string // a private key file that it accepts
	hostKey ssh.PublicKey
	log     *syncBuffer
	cmd     *exec.Cmd
	config  string
}

// startSSHD starts a server. config is added to its sshd_config, before what is there
// already, so that it wins.
func startSSHD(tb testing.TB, config ...string) *server {
	tb.Helper()
	return startSSHDAt(tb, "127.0.0.1", freePort(tb, "127.0.0.1"), config...)
}

func startSSHDAt(tb testing.TB, address string, port int, config ...string) *server {
	tb.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/sshd"); err != nil {
			tb.Fatal("these tests need sshd: apt-get install openssh-server")
		}
	}
	if os.Getuid() == 0 { // where sshd separates its privileges
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	me, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{dir: tb.TempDir(), address: address, port: port, user: me.Username, log: &syncBuffer{}}
	s.hostKey = writeKey(tb, filepath.Join(s.dir, "host_key"), "").PublicKey()
	s.key = filepath.Join(s.dir, "user_key")
	s.authorize(tb, writeKey(tb, s.key, "").PublicKey())
	s.config = filepath.Join(s.dir, "sshd_config")
	lines := append(config,
		"ListenAddress "+net.JoinHostPort(address, strconv.Itoa(port)),
		"HostKey "+filepath.Join(s.dir, "host_key"),
		"AuthorizedKeysFile "+filepath.Join(s.dir, "authorized_keys"),
		"SetEnv HOME="+filepath.Join(s.dir, "home"), // whose .bashrc is the test's, not the operator's
		"Subsystem sftp /usr/lib/openssh/sftp-server",
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin yes",
		"KbdInteractiveAuthentication no", "LogLevel VERBOSE")
	writeFile(tb, s.config, strings.Join(lines, "\n")+"\n")
	s.start(tb, path)
	return s
}

func (s *server) start(tb testing.TB, path string) {
	tb.Helper()
	s.cmd = exec.Command(path, "-D", "-e", "-f", s.config)
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.stop)
	waitFor(tb, "sshd to listen", func() bool { return strings.Contains(s.log.String(), "Server listening") })
}

// stop ends the server. Connections that it has stay.
func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// authorize lets the owner of a key log in.
func (s *server) authorize(tb testing.TB, key ssh.PublicKey) {
	tb.Helper()
	f, err := os.OpenFile(filepath.Join(s.dir, "authorized_keys"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(ssh.MarshalAuthorizedKey(key)); err != nil {
		tb.Fatal(err)
	}
}

func (s *server) addr() string { return net.JoinHostPort(s.address, strconv.Itoa(s.port)) }

// hop is how a jump host is named.
func (s *server) hop() string { return s.user + "@" + s.addr() }

func (s *server) target() Target {
	return Target{Name: "node2", Address: s.address, Port: s.port, User: s.user, Keys: []string{s.key}}
}

// knownLine is the server's line for known_hosts.
func (s *server) knownLine() string {
	return fmt.Sprintf("[%s]:%d %s", s.address, s.port, ssh.MarshalAuthorizedKey(s.hostKey))
}

// sessions are the PIDs of the processes that serve the server's connections.
func (s *server) sessions(tb testing.TB) []int {
	tb.Helper()
	out, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.cmd.Process.Pid, s.cmd.Process.Pid))
	if err != nil {
		tb.Fatal(err)
	}
	var pids []int
	for _, f := range strings.Fields(string(out)) {
		pid, err := strconv.Atoi(f)
		if err != nil {
			tb.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// cut ends the server's connections as a crash of the host would.
func (s *server) cut(tb testing.TB) {
	tb.Helper()
	for _, pid := range s.sessions(tb) {
		p, err := os.FindProcess(pid)
		if err != nil {
			tb.Fatal(err)
		}
		p.Kill()
	}
}

// newClient returns a client that knows the servers' keys and nothing of the operator's
// own ~/.ssh.
func newClient(tb testing.TB, cfg Config, servers ...*server) *Client {
	tb.Helper()
	dir := tb.TempDir()
	if cfg.KnownHosts == "" {
		cfg.KnownHosts = filepath.Join(dir, "known_hosts")
		var lines strings.Builder
		for _, s := range servers {
			lines.WriteString(s.knownLine())
		}
		writeFile(tb, cfg.KnownHosts, lines.String())
	}
	if cfg.SSHConfig == "" {
		cfg.SSHConfig = filepath.Join(dir, "no_such_config")
	}
	if cfg.ConnectRetry == 0 {
		cfg.ConnectRetry = -1
	}
	c, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// connect starts a server and returns a host on it.
func connect(tb testing.TB, config ...string) (*server, *Host) {
	tb.Helper()
	s := startSSHD(tb, config...)
	return s, newClient(tb, Config{}, s).Host(s.target())
}

// writeKey makes a key and writes it in OpenSSH's form.
func writeKey(tb testing.TB, path, passphrase string) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "test", []byte(passphrase))
	}
	if err != nil {
		tb.Fatal(err)
	}
	writeFile(tb, path, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

func writeFile(tb testing.TB, path, content string) {
	tb.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func freePort(tb testing.TB, address string) int {
	tb.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// waitFor waits until a condition holds.
func waitFor(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			tb.Fatalf("waited too long for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// testContext ends a test that hangs.
func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

// A syncBuffer is a buffer that a process writes to while the test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
