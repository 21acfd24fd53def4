package assets

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shells run each script: dash is sh on Debian, bash on AlmaLinux.
var shells = []string{"dash", "bash"}

// A sandbox is a folder that stands for the root of a host, with programs of the
// test's in front of the machine's own. Each of them writes its command line into
// the file log.
type sandbox struct {
	t     *testing.T
	root  string
	shell string
}

// inSandbox runs a test in each shell.
func inSandbox(t *testing.T, f func(s sandbox)) {
	t.Helper()
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			s := sandbox{t, t.TempDir(), shell}
			s.mkdir("bin")
			f(s)
		})
	}
}

func (s sandbox) path(name string) string { return filepath.Join(s.root, name) }

func (s sandbox) mkdir(name string) {
	s.t.Helper()
	if err := os.MkdirAll(s.path(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s sandbox) write(name, text string) {
	s.t.Helper()
	s.mkdir(filepath.Dir(name))
	if err := os.WriteFile(s.path(name), []byte(text), 0o640); err != nil {
		s.t.Fatal(err)
	}
}

func (s sandbox) read(name string) string {
	data, err := os.ReadFile(s.path(name))
	if err != nil {
		return "absent"
	}
	return string(data)
}

// program puts a program into the path, or at a path of the host's. It logs its
// command line, and then does what the script says.
func (s sandbox) program(name, script string) {
	s.t.Helper()
	path := name
	if !strings.Contains(name, "/") {
		path = "bin/" + name
	}
	s.write(path, "#!/bin/sh\necho \"${0##*/} $*\" >>"+s.path("log")+"\n"+s.inside(script)+"\n")
	if err := os.Chmod(s.path(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

// inside puts the host's folders that scripts name below the sandbox.
func (s sandbox) inside(script string) string {
	for _, dir := range []string{"/var/lib/", "/var/cache/", "/etc/", "/usr/lib/frr", "/usr/libexec/frr", "/run/", "/proc/"} {
		script = strings.ReplaceAll(script, dir, s.root+dir)
	}
	return script
}

// A ran is what became of a script.
type ran struct {
	out, said string
	status    int
}

func (s sandbox) exec(argv ...string) ran {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "PATH="+s.path("bin")+":"+os.Getenv("PATH"), "TMPDIR="+s.root)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		s.t.Fatal(err)
	}
	return ran{out.String(), said.String(), cmd.ProcessState.ExitCode()}
}

// script runs a file of sh, as a host does that it is sent to.
func (s sandbox) script(name string, args ...string) ran {
	s.t.Helper()
	argv := Script(name, args...)
	argv[0], argv[2] = s.shell, s.inside(argv[2])
	return s.exec(argv...)
}

// is fails the test unless a script printed that, and ended with 0.
func (s sandbox) is(got ran, want string) {
	s.t.Helper()
	if got.status != 0 || got.out != want {
		s.t.Errorf("status %d, printed %q, want %q; said %s", got.status, got.out, want, got.said)
	}
}

// Every script of the folder is run by a test of this package.
func TestEveryScriptIsTested(t *testing.T) {
	var tests []byte
	paths, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		tests = append(tests, data...)
	}
	scripts, err := filepath.Glob("sh/*.sh")
	if err != nil || len(scripts) < 20 {
		t.Fatal(scripts, err)
	}
	for _, p := range scripts {
		if !bytes.Contains(tests, []byte(`"`+filepath.Base(p)+`"`)) && !bytes.Contains(tests, []byte(`"`+p+`"`)) {
			t.Errorf("no test runs %s", p)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "#!/bin/sh\n# "+filepath.Base(p)) {
			t.Errorf("%s does not begin with its usage", p)
		}
	}
}

func TestScriptIsSentWithoutComments(t *testing.T) {
	argv := Script("present-files.sh", "a b", "c")
	if len(argv) != 6 || argv[0] != "sh" || argv[1] != "-c" || strings.Contains(argv[2], "#") || argv[3] != "present-files.sh" || argv[4] != "a b" {
		t.Errorf("got %q", argv)
	}
}
