package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/remote"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/verify"
)

// A fakeHost is a host that can be connected and locked. It is written to only
// under the lock.
type fakeHost struct {
	steptest.Host
	name    string
	openErr error
	lockErr error

	mu     sync.Mutex
	reads  map[string]int
	opened int
	locked bool
}

func (h *fakeHost) Open(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened++
	return h.openErr
}

func (h *fakeHost) Lock(_ context.Context, path, _ string) (func(), error) {
	if path != lockPath {
		return nil, fmt.Errorf("lock of %s", path)
	}
	if h.lockErr != nil {
		return nil, h.lockErr
	}
	h.setLocked(true)
	return func() { h.setLocked(false) }, nil
}

func (h *fakeHost) setLocked(locked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.locked = locked
}

func (h *fakeHost) ReadFile(ctx context.Context, path string) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reads == nil {
		h.reads = map[string]int{}
	}
	h.reads[path]++
	return h.Host.ReadFile(ctx, path)
}

func (h *fakeHost) WriteFile(ctx context.Context, path string, data []byte, mode fs.FileMode) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.locked {
		return errors.New("written without the lock")
	}
	return h.Host.WriteFile(ctx, path, data, mode)
}

// writes is how often a file was written.
func (h *fakeHost) writes() int {
	n := 0
	for _, line := range h.Log {
		if strings.HasPrefix(line, "write ") && !strings.HasPrefix(line, "write "+gatewayDir) { // which no step is about
			n++
		}
	}
	return n
}

// fakeStep: a file is there.
type fakeStep struct {
	path, want string
	applyErr   error
	applied    func() // called in Apply
}

func (s fakeStep) String() string { return s.path + " is current" }

func (s fakeStep) Check(ctx context.Context, r step.Reader) (step.Diff, error) {
	have, err := r.ReadFile(ctx, s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if string(have) == s.want {
		return nil, nil
	}
	return step.Diff{{Item: s.path, Have: string(have), Want: s.want}}, nil
}

func (s fakeStep) Apply(ctx context.Context, h step.Host) error {
	if s.applied != nil {
		s.applied()
	}
	if s.applyErr != nil {
		return s.applyErr
	}
	return h.WriteFile(ctx, s.path, []byte(s.want), 0o644)
}

const testInventory = `
fabric: lab
as: 65000
communities: ["65000:100"]
gateway: {ipv4: 10.0.0.1}
pools: [203.0.113.0/24]
route_reflectors:
  - {name: rr1, addresses: [10.10.0.11]}
  - {name: rr2, addresses: [10.10.0.12]}
core_gateways:
  - {name: mx1, vendor: junos, addresses: [10.10.0.1]}
nodes:
  - {name: node1, addresses: [10.10.0.21], virtualization: kvm}
`

// A bench is a session over fake hosts, and what it said.
type bench struct {
	*Session
	hosts    map[string]*fakeHost
	out, err *bytes.Buffer
	verified int
	reports  []*verify.Report // for each verification; the last one stays
}

func newBench(t *testing.T) *bench {
	t.Helper()
	fabric, _, err := inventory.Parse("fabric.yaml", []byte(testInventory))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{hosts: map[string]*fakeHost{}, out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	for _, name := range []string{"rr1", "rr2", "mx1", "node1"} {
		b.hosts[name] = &fakeHost{name: name, Host: steptest.Host{Files: map[string]string{}}}
	}
	mask := &ui.Masker{}
	say := ui.NewSayer(b.out, b.err, mask, func(string) (string, bool) { return "", false })
	_, signals, release := CatchSignals(context.Background(), say)
	t.Cleanup(release)
	a := &Env{Mask: mask, Say: say, Signals: signals, File: "fabric.yaml", LookupEnv: func(string) (string, bool) { return "", false }}
	b.Session = &Session{
		Env: a, command: "init", fabric: fabric, progress: ui.NewProgress(say),
		fleet: NewFleet(func(name string) (Machine, error) { return b.hosts[name], nil }),
		verifyOnce: func(context.Context, *inventory.Fabric, func(context.Context, string) (step.Host, error)) *verify.Report {
			b.verified++
			return b.reports[min(b.verified, len(b.reports))-1]
		},
	}
	b.connect = b.fleet.Connect
	t.Cleanup(b.progress.Close)
	b.reports = []*verify.Report{{Fabric: "lab", Healthy: true}}
	return b
}

// plan has two reflectors, one after the other, and then a node.
func (b *bench) testPlan(s ...step.Step) run.Plan {
	if len(s) == 0 {
		s = []step.Step{fakeStep{path: "/etc/one", want: "1\n"}, fakeStep{path: "/etc/two", want: "2\n"}}
	}
	return run.Plan{
		{Name: "route reflectors", Tasks: []run.Task{{Node: "rr1", Steps: s}, {Node: "rr2", Steps: s}}},
		{Name: "nodes", Parallel: true, Tasks: []run.Task{{Node: "node1", Steps: s}}},
	}
}

// settle makes hosts what testPlan wants.
func (b *bench) settle(names ...string) {
	for _, name := range names {
		b.hosts[name].Files = map[string]string{"/etc/one": "1\n", "/etc/two": "2\n"}
	}
}

// writes names the hosts that were changed.
func (b *bench) written() string {
	var out []string
	for name, h := range b.hosts {
		if h.writes() > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func wantText(t *testing.T, what, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s has no %q:\n%s", what, p, got)
		}
	}
}

func connectError(host string, kind remote.Kind) error {
	return &remote.ConnectError{Host: host, Address: "10.10.0.99:22", Kind: kind}
}
