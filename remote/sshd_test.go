package remote

import (
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
	"slices"
	"strconv"
	"strings"
	"syscall"
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
	cmd     *exec.Cmd
	path    string
	config  string
}

// startSSHD starts a server. config are lines of its sshd_config that replace those with the
// same keyword; further host keys are added.
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
	s := &server{dir: tb.TempDir(), address: address, port: port, user: me.Username}
	s.hostKey = writeKey(tb, filepath.Join(s.dir, "host_key"), "").PublicKey()
	s.key = filepath.Join(s.dir, "user_key")
	s.authorize(tb, writeKey(tb, s.key, "").PublicKey())
	s.config = filepath.Join(s.dir, "sshd_config")
	defaults := []string{
		"ListenAddress " + net.JoinHostPort(address, strconv.Itoa(port)),
		"HostKey " + filepath.Join(s.dir, "host_key"),
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		"SetEnv HOME=" + filepath.Join(s.dir, "home"), // whose .bashrc is the test's, not the operator's
		"Subsystem sftp /usr/lib/openssh/sftp-server",
		"PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "PermitRootLogin yes",
		"KbdInteractiveAuthentication no", "LogLevel VERBOSE",
	}
	lines := config
	for _, d := range defaults { // a keyword may stand there once
		keyword, _, _ := strings.Cut(d, " ")
		if !slices.ContainsFunc(config, func(l string) bool { return strings.HasPrefix(l, keyword+" ") }) || keyword == "HostKey" {
			lines = append(lines, d)
		}
	}
	writeFile(tb, s.config, strings.Join(lines, "\n")+"\n")
	s.path = path
	s.start(tb)
	return s
}

func (s *server) start(tb testing.TB) {
	tb.Helper()
	s.cmd = exec.Command(s.path, "-D", "-e", "-f", s.config)
	log, err := os.Create(filepath.Join(s.dir, "log")) // a pipe would be held open by what sshd leaves behind
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.stop)
	waitFor(tb, "sshd to listen", func() bool { return strings.Contains(s.log(tb), "Server listening") })
}

// stop ends the server. Connections that it has stay.
func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// log is what the server has logged since it was started.
func (s *server) log(tb testing.TB) string {
	tb.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(log)
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
	return Target{Name: "node2", Address: s.address, Port: s.port, User: s.user, Keys: []string{s.key},
		Line: func(user, command string) string { return "ssh " + user + "@host " + command }}
}

// knownLine is the server's line for known_hosts.
func (s *server) knownLine() string {
	return fmt.Sprintf("[%s]:%d %s", s.address, s.port, ssh.MarshalAuthorizedKey(s.hostKey))
}

// cut ends the server's connections as a crash of the host would.
func (s *server) cut(tb testing.TB) {
	tb.Helper()
	for _, pid := range sshdChildren(tb, s.cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// sshdChildren are the sshd processes below a process: one for each connection, two where
// sshd separates its privileges.
func sshdChildren(tb testing.TB, pid int) []int {
	tb.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil // it has just ended
	}
	var pids []int
	for _, f := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(f)
		if err != nil {
			tb.Fatal(err)
		}
		if comm, _ := os.ReadFile("/proc/" + f + "/comm"); strings.HasPrefix(string(comm), "sshd") {
			pids = append(append(pids, child), sshdChildren(tb, child)...)
		}
	}
	return pids
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
	if err != nil {
		tb.Fatal(err)
	}
	writeFile(tb, path, string(pem.EncodeToMemory(block)))
	if passphrase != "" { // with few rounds, so that it does not take long to unlock
		out, err := exec.Command("ssh-keygen", "-q", "-p", "-a", "1", "-N", passphrase, "-f", path).CombinedOutput()
		if err != nil {
			tb.Fatalf("%v: %s", err, out)
		}
	}
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
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(20 * time.Second); !holds(); <-again.C {
		if time.Now().After(deadline) {
			tb.Fatalf("waited too long for %s", what)
		}
	}
}

// testContext ends a test that hangs.
func testContext(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	tb.Cleanup(cancel)
	return ctx
}

// publicOf returns the public part of a key file.
func publicOf(tb testing.TB, path string) ssh.PublicKey {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(data)
	if err != nil {
		tb.Fatal(err)
	}
	return signer.PublicKey()
}
