//go:build lab

// The end-to-end tests: ipfabric against machines of the lab. They run the
// programs that make has put into bin/, as an operator would, and expect root.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A fabric is a lab with what it takes to run programs against it.
type fabric struct {
	t   testing.TB
	dir string // holds .lab
	bin string
	env []string // further variables of the operator
}

// newFabric boots a lab of its own in a temporary folder and removes it in
// the end.
func newFabric(t testing.TB, up ...string) *fabric {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("needs root: make test as root")
	}
	bin, err := filepath.Abs("../../bin")
	if err != nil {
		t.Fatal(err)
	}
	f := &fabric{t: t, dir: t.TempDir(), bin: bin}
	t.Cleanup(func() { f.lab("down") })
	f.lab(append([]string{"up"}, up...)...)
	return f
}

// lab runs ipfabric-lab, which must succeed, and returns its output.
func (f *fabric) lab(args ...string) string {
	f.t.Helper()
	out, code := f.exec("ipfabric-lab", args...)
	if code != 0 {
		f.t.Fatalf("ipfabric-lab %s: exit %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// ssh runs a shell line on a machine and returns its output.
func (f *fabric) ssh(machine, line string) string {
	f.t.Helper()
	return f.lab("ssh", machine, line)
}

// ipfabric runs the operator's program and returns its whole output. It must
// end with the given exit code.
func (f *fabric) ipfabric(code int, args ...string) string {
	f.t.Helper()
	out, got := f.exec("ipfabric", args...)
	if got != code {
		f.t.Fatalf("ipfabric %s: exit %d, want %d\n%s", strings.Join(args, " "), got, code, tail(out))
	}
	return out
}

func (f *fabric) exec(program string, args ...string) (string, int) {
	f.t.Helper()
	cmd := f.command(program, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatal(err)
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// command prepares a program, away from the settings of whoever runs the tests.
func (f *fabric) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(f.bin, program), args...)
	cmd.Dir = f.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + f.dir, "LC_ALL=C.UTF-8",
		"IPFABRIC_FILE=.lab/fabric.yaml", "XDG_STATE_HOME=" + filepath.Join(f.dir, "state"),
	}
	cmd.Env = append(cmd.Env, f.env...)
	return cmd
}

// report runs verify, which must end with the given exit code, and returns
// what it found.
func (f *fabric) report(code int, args ...string) report {
	f.t.Helper()
	cmd := f.command("ipfabric", append([]string{"verify", "--json"}, args...)...)
	out, _ := cmd.Output() // the exit code is looked at below
	if got := cmd.ProcessState.ExitCode(); got != code {
		f.t.Fatalf("verify: exit %d, want %d\n%s", got, code, tail(string(out)))
	}
	var r report
	if err := json.Unmarshal(out, &r); err != nil {
		f.t.Fatalf("verify --json: %v\n%s", err, tail(string(out)))
	}
	return r
}

// A report is the part of docs/verify.md's JSON that the tests look at.
type report struct {
	Healthy bool
	Hosts   []struct {
		Host   string
		Checks []struct{ Name, Status, Detail, Hint string }
	}
	Sessions []struct {
		RR, Peer, Family, Status, Detail, Hint string
		Near, Far                              struct {
			Asked, Negotiated bool
			State             string
		}
	}
}

// bad gives everything that is not healthy as "host check: detail", one a line.
func (r report) bad() string {
	var out strings.Builder
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if c.Status == "failed" {
				fmt.Fprintf(&out, "%s %s: %s\n", h.Host, c.Name, c.Detail)
			}
		}
	}
	for _, s := range r.Sessions {
		if s.Status == "failed" {
			fmt.Fprintf(&out, "%s-%s %s: %s\n", s.RR, s.Peer, s.Family, s.Detail)
		}
	}
	return out.String()
}

// tail returns the last part of a long output.
func tail(s string) string {
	if len(s) > 6000 {
		return "…" + s[len(s)-6000:]
	}
	return s
}

// wait looks every 100 ms whether ok, until the time is over.
func wait(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	waitEvery(t, 100*time.Millisecond, limit, what, ok)
}

// waitOn waits on a machine until a shell line succeeds there. That takes one
// login, which costs more than most things that one can ask for.
func (f *fabric) waitOn(machine string, limit time.Duration, what, line string) {
	f.t.Helper()
	const tries = 5 // a second
	loop := fmt.Sprintf("for i in $(seq %d); do if %s; then exit 0; fi; sleep 0.2; done; exit 9", int(limit.Seconds()*tries), line)
	if out, code := f.exec("ipfabric-lab", "ssh", machine, loop); code != 0 {
		f.t.Fatalf("%s: not within %s: exit %d\n%s", what, limit, code, tail(out))
	}
}

// waitEvery looks at a condition again and again, for what has to be seen
// sooner than wait would see it.
func waitEvery(t testing.TB, pause, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(pause)
	defer again.Stop()
	for deadline := time.Now().Add(limit); !ok(); <-again.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}
