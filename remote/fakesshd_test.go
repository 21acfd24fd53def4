package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// A fakeServer is an SSH server for what a real one on the loopback cannot do for whoever runs the
// tests: passwords, and a sudo. It lets in users of any name and runs their commands as the user of the test.
type fakeServer struct {
	server
	password string // "" is that none is taken
	question string // what it asks for the password with; "" is the method "password"
	keys     bool   // s.key is accepted
	maxTries int
	env      []string

	mu     sync.Mutex
	tried  []string // passwords
	logins int
}

func (f *fakeServer) start(tb testing.TB) *fakeServer {
	tb.Helper()
	f.dir, f.address, f.user = tb.TempDir(), "127.0.0.1", "ops"
	host := writeKey(tb, filepath.Join(f.dir, "host_key"), "")
	f.hostKey = host.PublicKey()
	f.key = filepath.Join(f.dir, "user_key")
	user := writeKey(tb, f.key, "").PublicKey()
	cfg := &ssh.ServerConfig{MaxAuthTries: f.maxTries, PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if f.keys && string(key.Marshal()) == string(user.Marshal()) {
			return nil, nil
		}
		return nil, errors.New("no such key")
	}}
	switch {
	case f.password != "" && f.question != "":
		cfg.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			questions := strings.Split(f.question, "|")
			answers, err := ask("", "", questions, make([]bool, len(questions)))
			if err != nil {
				return nil, err
			}
			return nil, f.judge(answers[0])
		}
	case f.password != "":
		cfg.PasswordCallback = func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			return nil, f.judge(string(password))
		}
	}
	cfg.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	f.port = l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(c, cfg)
		}
	}()
	return f
}

func (f *fakeServer) judge(password string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, password)
	if password != f.password {
		return errors.New("wrong")
	}
	return nil
}

func (f *fakeServer) serve(raw net.Conn, cfg *ssh.ServerConfig) {
	defer raw.Close()
	_, channels, requests, err := ssh.NewServerConn(raw, cfg)
	if err != nil {
		return
	}
	f.mu.Lock()
	f.logins++
	f.mu.Unlock()
	go ssh.DiscardRequests(requests)
	for next := range channels {
		ch, requests, err := next.Accept()
		if err != nil {
			return
		}
		go f.session(ch, requests)
	}
}

func (f *fakeServer) session(ch ssh.Channel, requests <-chan *ssh.Request) {
	for r := range requests {
		r.Reply(r.Type == "exec", nil)
		if r.Type != "exec" {
			continue
		}
		var msg struct{ Line string }
		ssh.Unmarshal(r.Payload, &msg)
		go func() {
			defer ch.Close()
			cmd := exec.Command("/bin/sh", "-c", msg.Line)
			cmd.Env = append(os.Environ(), f.env...)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
			stdin, err := cmd.StdinPipe()
			if err != nil {
				return
			}
			go func() { io.Copy(stdin, ch); stdin.Close() }()
			cmd.Run() // the status says it
			code := struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}
			ch.SendRequest("exit-status", false, ssh.Marshal(code))
		}()
	}
}

// passwords are those that were tried, in their order.
func (f *fakeServer) passwords() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.tried)
}

// A fakeSudo stands for sudo and for id on a server.
type fakeSudo struct{ dir string }

// sudoScript does as sudo does in the modes free, password, limited, notallowed, forbidden, requiretty and broken. Like
// sudo it reads the password byte by byte, and runs the command as a child.
const sudoScript = `#!/bin/sh
echo "sudo $*" >>"$SUDO_DIR/calls"
while :; do
	case $1 in
	-n) never=1 ;; -S) stdin=1 ;; -l) list=1 ;; -k | -H) ;; -p) shift ;; --) shift; break ;;
	*) echo "fake sudo: what is $1" >&2; exit 64 ;;
	esac
	shift
done
mode=$(cat "$SUDO_DIR/mode")
case $mode in
requiretty) echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1 ;;
broken) echo "sudo: /etc/sudoers is world writable" >&2; exit 1 ;;
free) ;;
*)
	[ "$list" ] && [ "$mode" = limited ] && exit 1
	[ "$never" ] && { echo "sudo: a password is required" >&2; exit 1; }
	[ "$stdin" ] || exit 64
	echo "We trust you have received the usual lecture" >&2
	for try in 1 2 3; do
		read -r line || { echo "sudo: no password was provided" >&2; exit 1; }
		echo "$line" >>"$SUDO_DIR/tried"
		[ "$line" = "$(cat "$SUDO_DIR/password")" ] && break
		echo "Sorry, try again." >&2
		[ $try = 3 ] && { echo "sudo: 3 incorrect password attempts" >&2; exit 1; }
	done
	[ "$mode" = notallowed ] && { echo "Sorry, user ops is not allowed to execute '$*' as root on node1." >&2; exit 1; }
	[ "$mode" = forbidden ] && { echo "ops is not in the sudoers file." >&2; exit 1; }
	;;
esac
FAKE_ROOT=1 "$@"
`

const idScript = `#!/bin/sh
[ "$FAKE_ROOT" ] && echo 0 || echo 1000
`

func newFakeSudo(tb testing.TB, mode, password string) *fakeSudo {
	tb.Helper()
	s := &fakeSudo{tb.TempDir()}
	for name, content := range map[string]string{"mode": mode, "password": password, "bin/sudo": sudoScript, "bin/id": idScript} {
		writeFile(tb, filepath.Join(s.dir, name), content)
	}
	for _, name := range []string{"sudo", "id"} {
		if err := os.Chmod(filepath.Join(s.dir, "bin", name), 0o755); err != nil {
			tb.Fatal(err)
		}
	}
	return s
}

// on starts a server with this sudo.
func (s *fakeSudo) on(tb testing.TB, f *fakeServer) *fakeServer {
	f.keys = f.password == ""
	f.env = []string{"PATH=" + filepath.Join(s.dir, "bin") + ":" + os.Getenv("PATH"), "SUDO_DIR=" + s.dir}
	return f.start(tb)
}

// lines are what the script has noted.
func (s *fakeSudo) lines(tb testing.TB, name string) []string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil && !os.IsNotExist(err) {
		tb.Fatal(err)
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' })
}

// sudoTarget is the n-th host.
func (f *fakeServer) sudoTarget(n int) Target {
	t := f.target()
	t.Name, t.Sudo = fmt.Sprintf("node%d", n), true
	if f.password != "" {
		t.Keys = nil
	}
	return t
}
