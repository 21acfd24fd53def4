package remote

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dash is sh on Debian, bash on AlmaLinux.
var shells = []string{"dash", "bash"}

// holdLockIn starts hold-lock.sh, and returns the first line that it prints and
// what ends it.
func holdLockIn(t *testing.T, shell, path, note string) (said string, end func() int) {
	t.Helper()
	cmd := exec.Command(shell, "-c", holdLock, "hold-lock.sh", path, note, "60")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	n, err := out.Read(buf)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return string(buf[:n]), func() int {
		in.Close()
		_ = cmd.Wait() // the status is what counts
		return cmd.ProcessState.ExitCode()
	}
}

// A local user who could open the lock's file could stop every run.
func TestOnlyItsOwnerCanOpenTheLock(t *testing.T) {
	for _, shell := range shells {
		path := filepath.Join(t.TempDir(), "run", "lock")
		said, end := holdLockIn(t, shell, path, "anna, since 12:00")
		for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
			if st, err := os.Stat(p); err != nil || st.Mode() != want {
				t.Errorf("%s: %s: %v, %v, want %v", shell, p, st.Mode(), err, want)
			}
		}
		second, endSecond := holdLockIn(t, shell, path, "bert")
		if code := endSecond(); said != "locked\n" || second != "anna, since 12:00\n" || code != statusLocked {
			t.Errorf("%s: %q, and the second %q, %d", shell, said, second, code)
		}
		if code := end(); code != 0 {
			t.Errorf("%s: ended with %d", shell, code)
		}
	}
}

// A lock that another program holds has no note.
func TestTheHolderOfALockIsNamed(t *testing.T) {
	for _, shell := range shells {
		path := filepath.Join(t.TempDir(), "lock")
		other := exec.Command("flock", path, "sh", "-c", "echo; read -r _")
		in, _ := other.StdinPipe()
		out, _ := other.StdoutPipe()
		if err := other.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		said, end := holdLockIn(t, shell, path, "anna")
		if want := fmt.Sprintf("process %d (flock)\n", other.Process.Pid); said != want || end() != statusLocked {
			t.Errorf("%s: %q, want %q", shell, said, want)
		}
		in.Close()
		_ = other.Wait() // it was told to end
	}
}

// The parts of a command line do in each shell what they are for.
func TestWhatACommandLineIsMadeOf(t *testing.T) {
	for _, shell := range shells {
		run := func(script, stdin string, args ...string) (string, string) {
			t.Helper()
			cmd := exec.Command(shell, append([]string{"-c", script, "sh"}, args...)...)
			cmd.Stdin = strings.NewReader(stdin)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=POSIX"}
			var out, errout strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errout
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %s: %v: %s", shell, script, err, errout.String())
			}
			return out.String(), errout.String()
		}
		out, errout := run(prologue+"read -r _ _ _ _ g _ </proc/$$/stat; echo $g", "", "MARK")
		lines := strings.Fields(out)
		if len(lines) != 3 || lines[0] != "MARK" || lines[1] != lines[2] || errout != "MARK\n" {
			t.Errorf("%s: prologue: %q, %q", shell, out, errout)
		}
		if out, _ := run(skipPassword+epilogue, "secret\nMARK\nrest\n", "MARK", "cat"); out != "rest\n" {
			t.Errorf("%s: the password is skipped: %q", shell, out)
		}
		out, _ = run(epilogue, "", "MARK", "sh", "-c", `echo "$LC_ALL $PATH $#"`, "sh", "a b", "")
		if !strings.HasPrefix(out, "C ") || !strings.HasSuffix(out, ":/sbin 2\n") {
			t.Errorf("%s: epilogue: %q", shell, out)
		}
	}
}

func TestSudoIsProbed(t *testing.T) {
	for _, shell := range shells {
		for want, sudo := range map[string]string{
			"missing":                "",
			"free":                   "exit 0",
			"refused\na password is": "case $* in *-l*) echo /bin/sh;; *) echo a password is >&2; exit 1;; esac",
			"forbidden\nnever":       "case $* in *-l*) exit 1;; *) echo never >&2; exit 1;; esac",
		} {
			bin := t.TempDir()
			for name, text := range map[string]string{"id": "echo 1000", "sudo": sudo} {
				if text != "" {
					if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
						t.Fatal(err)
					}
				}
			}
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(path, "-c", probeSudo)
			cmd.Env = []string{"PATH=" + bin}
			out, err := cmd.Output()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", shell, got, err, want)
			}
		}
	}
}
