//go:build lab

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The tests here boot machines on this host:
//
//	go test -tags lab -run '^TestLab' ./cmd/ipfabric-lab     (as root)
//
// Each has labs of its own in temporary folders and takes them down itself, so
// they go together with other labs on the same host, and with each other.
// TestLabFabric and TestLabSystems run from the start to the end, the others
// beside them, those that take longest first.

// program is the ipfabric-lab under test.
var program string

// What depends on the time that something takes on this host does not call
// beside, or is a part that is alone.
var (
	turns  = queue{free: 3}
	others sync.WaitGroup // whatever is not alone
	only   sync.Mutex     // held by what is alone
)

// beside lets a test run beside others, when it is its turn. The tests that take
// longest go first: seconds is how long this one takes without others beside it.
func beside(t *testing.T, seconds int) {
	t.Helper()
	others.Add(1)
	mine := turns.join(seconds)
	t.Parallel() // goes on when all tests are in the queue
	turns.next(0)
	<-mine
	t.Cleanup(func() { // after the lab's own cleanup
		turns.next(1)
		others.Done()
	})
}

// A queue lets a few tests run at a time.
type queue struct {
	mu      sync.Mutex
	free    int // how many more may run
	waiting []turn
}

type turn struct {
	seconds int
	comes   chan struct{} // is closed when it does
}

func (q *queue) join(seconds int) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	mine := turn{seconds, make(chan struct{})}
	q.waiting = append(q.waiting, mine)
	slices.SortStableFunc(q.waiting, func(a, b turn) int { return b.seconds - a.seconds })
	return mine.comes
}

// next lets as many go on as may, once so many have ended.
func (q *queue) next(ended int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.free += ended
	for ; q.free > 0 && len(q.waiting) > 0; q.free-- {
		close(q.waiting[0].comes)
		q.waiting = q.waiting[1:]
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "100") // turns tell how many there are; the flag exists
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "the lab's tests boot machines, which needs root: run them with sudo, or leave out -tags lab")
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "ipfabric-lab-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "ipfabric-lab")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	code := 1
	if err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// A fixture is a lab on this host.
type fixture struct {
	t   *testing.T
	dir string
}

// newFixture returns a lab that is not up yet. Its folder has a space in its
// name, as people's have. At the end of the test nothing of it may be left.
func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t, filepath.Join(t.TempDir(), "a lab")}
	t.Cleanup(func() {
		f.run("down")
		f.nothingLeft()
	})
	return f
}

type result struct {
	code           int
	stdout, stderr string
}

func (f *fixture) command(args ...string) *exec.Cmd {
	return exec.Command(program, append([]string{"--dir", f.dir}, args...)...)
}

func (f *fixture) run(args ...string) result {
	f.t.Helper()
	cmd := f.command(args...)
	var out, errout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errout
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errout.String()}
}

// ok runs a command that must succeed.
func (f *fixture) ok(args ...string) result {
	f.t.Helper()
	r := f.run(args...)
	if r.code != 0 {
		f.t.Fatalf("ipfabric-lab %s: exit %d\n%s%s", strings.Join(args, " "), r.code, r.stdout, r.stderr)
	}
	return r
}

// killedAfter runs a command that is killed some time after it began.
func (f *fixture) killedAfter(delay time.Duration, args ...string) {
	f.t.Helper()
	cmd := f.command(args...)
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	killer := time.AfterFunc(delay, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	_ = cmd.Wait() // killed, or done before
}

// states lists "name state" of all machines.
func (f *fixture) states() []string {
	f.t.Helper()
	var list []struct{ Name, State string }
	if err := json.Unmarshal([]byte(f.ok("list", "--json").stdout), &list); err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, m := range list {
		out = append(out, m.Name+" "+m.State)
	}
	return out
}

// bridge names the lab's bridge, or is "".
func (f *fixture) bridge() string {
	f.t.Helper()
	out, err := exec.Command("ip", "-d", "-j", "link", "show", "type", "bridge").Output()
	if err != nil {
		f.t.Fatal(err)
	}
	var links []struct{ Ifname, Ifalias string }
	if err := json.Unmarshal(out, &links); err != nil && len(bytes.TrimSpace(out)) > 0 {
		f.t.Fatal(err)
	}
	for _, l := range links {
		if strings.HasSuffix(l.Ifalias, " "+f.dir) {
			return l.Ifname
		}
	}
	return ""
}

// nothingLeft looks at the host for anything that mentions the lab.
func (f *fixture) nothingLeft() {
	f.t.Helper()
	if b := f.bridge(); b != "" {
		f.t.Errorf("bridge %s is left", b)
	}
	if _, err := os.Stat(f.dir); !os.IsNotExist(err) {
		f.t.Errorf("%s is left", f.dir)
	}
	for _, pid := range f.processes() {
		f.t.Errorf("a process is left: %s", pid)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.t.Fatal(err)
	}
	if strings.Contains(string(mounts), strings.ReplaceAll(f.dir, " ", `\040`)) {
		f.t.Error("a mount is left")
	}
}

// processes lists what runs with the lab's folder in its command line or as
// its current folder, except what belongs to the test itself.
func (f *fixture) processes() []string {
	var out []string
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range entries {
		cmdline, _ := os.ReadFile(p + "/cmdline")
		cwd, _ := os.Readlink(p + "/cwd")
		if strings.Contains(string(cmdline), f.dir) || strings.HasPrefix(cwd, f.dir) {
			out = append(out, p+" "+strings.ReplaceAll(string(cmdline), "\x00", " "))
		}
	}
	return out
}
