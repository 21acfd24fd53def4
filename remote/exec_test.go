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
	"syscall"
	"testing"
	"time"
)

// commandFails runs a command and wants its CommandError.
func commandFails(t *testing.T, h *Host, ctx context.Context, argv ...string) *CommandError {
	t.Helper()
	err := h.Run(ctx, argv...)
	var fail *CommandError
	if !errors.As(err, &fail) {
		t.Fatalf("got %v, want a CommandError", err)
	}
	if fail.Hint() == "" {
		t.Errorf("%v: has no hint", err)
	}
	t.Log(err)
	return fail
}

func TestCommandFails(t *testing.T) {
	s, h := connect(t)
	ctx := testContext(t)
	fail := commandFails(t, h, ctx, "sh", "-c", "echo out; echo oops >&2; exit 3")
	if fail.ExitStatus() != 3 || fail.Stderr != "oops\n" || fail.Stdout != "out\n" {
		t.Errorf("got %+v", fail)
	}
	has(t, fail.Error(), "ended with status 3: oops")
	line, ok := strings.CutPrefix(fail.Command, "ssh "+s.user+"@host ")
	out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput()
	var exit *exec.ExitError
	if !ok || !errors.As(err, &exit) || exit.ExitCode() != 3 || string(out) != "out\noops\n" {
		t.Errorf("the pasteable line %s: %v: %s", fail.Command, err, out)
	}
	if fail = commandFails(t, h, ctx, "no-such-command", "x"); fail.ExitStatus() != 127 {
		t.Errorf("got status %d, want 127", fail.ExitStatus())
	}
	if fail = commandFails(t, h, ctx, "sh", "-c", "kill -9 $$"); fail.ExitStatus() != 137 {
		t.Errorf("got status %d, want 137", fail.ExitStatus())
	}
	fail = commandFails(t, h, ctx, "sh", "-c", "seq 1 1000 >&2; exit 1")
	has(t, fail.Error(), "…\n991\n", "\n1000")
	if strings.Contains(fail.Error(), "\n990\n") {
		t.Error("the message is too long")
	}
}

func TestCommandsEnvironment(t *testing.T) {
	_, h := connect(t, "SetEnv HOME=/ LC_ALL=de_DE.UTF-8 PATH=/usr/bin:/bin")
	out, err := h.Query(testContext(t), "sh", "-c", `echo "$LC_ALL $PATH"`)
	if err != nil || out != "C /usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// A .bashrc that prints, and a shell that prints on both outputs, must not matter.
func TestNoisyShell(t *testing.T) {
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".bashrc"), "echo welcome; echo careful >&2; printf 'no newline'\n")
	// internal-sftp is none of the shell's business; a server of its own is started by it.
	for _, subsystem := range []string{"internal-sftp", "/usr/lib/openssh/sftp-server"} {
		s, h := connect(t, "SetEnv HOME="+home, "Subsystem sftp "+subsystem)
		ctx := testContext(t)
		if out, err := exec.Command("ssh", "-F", "none", "-i", s.key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
			"-p", fmt.Sprint(s.port), s.user+"@"+s.address, "true").Output(); err != nil || !strings.HasPrefix(string(out), "welcome") {
			t.Fatalf("the shell is not noisy: %q, %v; this test needs bash as login shell", out, err)
		}
		out, err := h.Query(ctx, "echo", "hello")
		if err != nil || out != "hello\n" {
			t.Errorf("got %q, %v", out, err)
		}
		fail := commandFails(t, h, ctx, "sh", "-c", "echo oops >&2; exit 1")
		if fail.Stderr != "oops\n" {
			t.Errorf("got %q", fail.Stderr)
		}
		file := filepath.Join(t.TempDir(), "file")
		if err := h.WriteFile(ctx, file, []byte("content"), 0o600); err != nil {
			t.Errorf("with %s: %v", subsystem, err)
		}
		if data, err := h.ReadFile(ctx, file); err != nil || string(data) != "content" {
			t.Errorf("with %s: got %q, %v", subsystem, data, err)
		}
	}
}

func TestLoginShellThatRunsNothing(t *testing.T) {
	_, h := connect(t, "ForceCommand echo this account is not available; exit 1")
	fail := commandFails(t, h, testContext(t), "true")
	has(t, fail.Error(), "was not run by the login shell", "this account is not available")
}

func TestManyCommandsAtOnce(t *testing.T) {
	for _, config := range []string{"MaxSessions 10", "MaxSessions 3"} {
		_, h := connect(t, config)
		ctx := testContext(t)
		release, err := h.Lock(ctx, filepath.Join(t.TempDir(), "lock"), "me")
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				out, err := h.Query(ctx, "sh", "-c", "sleep 0.05; echo $1", "sh", fmt.Sprint(i))
				if err != nil || out != fmt.Sprintln(i) {
					t.Errorf("%s: got %q, %v", config, out, err)
				}
				if _, err := h.ReadFile(ctx, "/etc/passwd"); err != nil {
					t.Errorf("%s: %v", config, err)
				}
			}()
		}
		wg.Wait()
	}
}

func TestNoSessionAllowed(t *testing.T) {
	_, h := connect(t, "MaxSessions 0")
	err := h.Run(testContext(t), "true")
	var ce *ConnectError
	if !errors.As(err, &ce) || ce.Kind != NoSession {
		t.Fatalf("got %v", err)
	}
	has(t, ce.Hint(), "MaxSessions")
}

// sleeper returns a command that sleeps, with a child that does too, and a function that tells
// whether one of them lives. None does after the test.
func sleeper(t *testing.T, before string) (argv []string, lives func() bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pids")
	pids := func() []int {
		var a, b int
		data, err := os.ReadFile(file)
		if n, _ := fmt.Sscan(string(data), &a, &b); err != nil || n != 2 {
			return nil
		}
		return []int{a, b}
	}
	t.Cleanup(func() {
		for _, pid := range pids() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	script := before + ` sleep 60 & echo $$ $! >"$1"; wait; sleep 60`
	return []string{"sh", "-c", script, "sh", file}, func() bool {
		return slices.ContainsFunc(pids(), func(pid int) bool { return syscall.Kill(pid, 0) == nil })
	}
}

func TestCancelEndsTheCommand(t *testing.T) {
	_, h := connect(t)
	argv, lives := sleeper(t, "")
	ctx, cancel := context.WithCancel(testContext(t))
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, argv...) }()
	waitFor(t, "the command to run", lives)
	start := time.Now()
	cancel()
	err := <-ended
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	has(t, err.Error(), "was stopped")
	if took := time.Since(start); took > grace {
		t.Errorf("it took %v", took)
	}
	waitFor(t, "the command to end on the host", func() bool { return !lives() })
	if out, err := h.Query(testContext(t), "echo", "x"); err != nil || out != "x\n" {
		t.Errorf("the connection is of no use any more: %q, %v", out, err)
	}
}

func TestCommandThatDoesNotObey(t *testing.T) {
	t.Parallel() // it mostly waits
	_, h := connect(t)
	argv, lives := sleeper(t, "trap '' TERM;")
	ctx, cancel := context.WithCancel(testContext(t))
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, argv...) }()
	waitFor(t, "the command to run", lives)
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	case <-time.After(4 * grace):
		t.Fatal("the call does not come back")
	}
}

func TestCommandTimeout(t *testing.T) {
	s := startSSHD(t)
	h := newClient(t, Config{CommandTimeout: 300 * time.Millisecond}, s).Host(s.target())
	argv, lives := sleeper(t, "")
	fail := commandFails(t, h, testContext(t), argv...)
	has(t, fail.Error(), "did not end within 300ms")
	if !errors.Is(fail, context.DeadlineExceeded) || fail.ExitStatus() != -1 {
		t.Errorf("got %+v", fail)
	}
	waitFor(t, "the command to end on the host", func() bool { return !lives() })
}

// What a command leaves running must not keep us waiting.
func TestCommandThatLeavesADaemon(t *testing.T) {
	t.Parallel() // it mostly waits
	_, h := connect(t)
	start := time.Now()
	out, err := h.Query(testContext(t), "sh", "-c", "sleep 20 & echo done")
	if err != nil || out != "done\n" {
		t.Errorf("got %q, %v", out, err)
	}
	if took := time.Since(start); took > 2*grace {
		t.Errorf("it took %v", took)
	}
}

func TestTooMuchOutput(t *testing.T) {
	t.Parallel() // it mostly waits
	_, h := connect(t)
	fail := commandFails(t, h, testContext(t), "yes")
	has(t, fail.Error(), "more than 16 MiB")
}

func TestLogHasCommandsAndNoContent(t *testing.T) {
	s := startSSHD(t)
	var mu sync.Mutex
	var log strings.Builder
	h := newClient(t, Config{Log: func(host, format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&log, host+": "+format+"\n", args...)
	}}, s).Host(s.target())
	ctx := testContext(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := h.WriteFile(ctx, file, []byte("hush-hush"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Query(ctx, "cat", file); err != nil {
		t.Fatal(err)
	}
	h.Close()
	mu.Lock()
	defer mu.Unlock()
	t.Log(log.String())
	has(t, log.String(), "node2: connected", "node2: write "+file+", 9 bytes", "node2: cat "+file+": status 0 in ")
	if strings.Contains(log.String(), "hush") {
		t.Error("the log has the file's content")
	}
}
