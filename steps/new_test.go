package steps

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/frr"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// contents are the plans of which the goldens are: between them they have
// every kind of step.
var contents = []struct {
	golden, fabric string
	options        Options
}{
	{"plain.plan", "plain", Options{}},
	{"full.plan", "full", Options{}},
	{"mixed.plan", "mixed", Options{}},
	{"mixed-upgrade.plan", "mixed", Options{FRR: frr.Options{Upgrade: true}}},
}

// planOf returns New's plan for a fabric of steptest.
func planOf(t *testing.T, fabric string, o Options) run.Plan {
	t.Helper()
	plan, err := New(steptest.Fabric(t, fabric), o)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// What is done on which host, in which order.
func TestTableOfContents(t *testing.T) {
	for _, c := range contents {
		var b strings.Builder
		for _, s := range planOf(t, c.fabric, c.options) {
			b.WriteString(s.Name)
			for _, f := range []struct {
				set  bool
				word string
			}{{s.Parallel, "parallel"}, {s.Canary, "canary"}, {s.Whole, "whole"}, {s.EndsRun, "ends the run"}} {
				if f.set {
					b.WriteString(", " + f.word)
				}
			}
			b.WriteString("\n")
			for _, task := range s.Tasks {
				b.WriteString("  " + task.Node + "\n")
				for _, st := range task.Steps {
					b.WriteString("    " + st.String() + "\n")
				}
			}
		}
		steptest.Golden(t, c.golden, []byte(b.String()))
	}
}

// A kind of step that is in no plan was forgotten in New, or is not needed.
func TestEveryKindOfStepIsInAPlan(t *testing.T) {
	have := map[string]bool{}
	for _, c := range contents {
		for _, s := range planOf(t, c.fabric, c.options) {
			for _, task := range s.Tasks {
				for _, st := range task.Steps {
					have[kindOf(st)] = true
				}
			}
		}
	}
	want := stepKinds(t)
	if len(want) < 15 {
		t.Errorf("the source has %d kinds of steps: %v", len(want), want)
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(have))); diff != "" {
		t.Errorf("kinds of steps (-in the source +in the plans):\n%s", diff)
	}
}

// kindOf returns a step's type as "package.Type"; of a change of FRR, which a
// wrapper makes a step of, that of the change.
func kindOf(st step.Step) string {
	v := reflect.Indirect(reflect.ValueOf(st))
	if v.Kind() == reflect.Struct {
		if change := v.FieldByName("change"); change.IsValid() {
			v = reflect.Indirect(change.Elem())
		}
	}
	return v.Type().String()
}

// stepKinds returns the types below this folder that have a step's methods, or
// those of a change of FRR, as "package.Type".
func stepKinds(t *testing.T) []string {
	t.Helper()
	methods := map[string]int{} // type → how many of a step's methods it has
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !slices.Contains([]string{"Check", "Apply", "prepare", "String"}, f.Name.Name) {
				continue
			}
			receiver := f.Recv.List[0].Type
			if p, ok := receiver.(*ast.StarExpr); ok {
				receiver = p.X
			}
			methods[fmt.Sprint(file.Name.Name, ".", receiver)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(methods, func(_ string, n int) bool { return n < 3 })
	return slices.Sorted(maps.Keys(methods))
}

func TestAPlanNeedsThePassword(t *testing.T) {
	f := steptest.Fabric(t, "full")
	f.BGP.Password = inventory.Secret{Env: "X"}
	if _, err := New(f, Options{}); err == nil {
		t.Error("a plan without the password that the inventory names")
	}
}

// A fakeHost keeps what is written to it. It has firewalld with nothing of ours,
// an FRR 8.4 without neighbors, and answers the rest with nothing.
type fakeHost struct{ files map[string]string }

// mode is how a fakeHost's file says its mode.
func mode(path string) string { return "mode of " + path }

func (h fakeHost) ReadFile(_ context.Context, path string) ([]byte, error) {
	if data, ok := h.files[path]; ok {
		return []byte(data), nil
	}
	return nil, fs.ErrNotExist
}

func (h fakeHost) Query(_ context.Context, argv ...string) (string, error) {
	switch line := steptest.Line(argv...); {
	case strings.HasPrefix(line, "firewalld-state.sh "):
		return "version 1.3.3\n", nil
	case strings.HasPrefix(line, "stat-files.sh "):
		return strings.Repeat("absent\n", len(strings.Fields(line))-1), nil
	case line == "vtysh --help":
		return "vtysh: integrated shell for FRR (version 8.4.4)\n", nil
	}
	return "", nil
}

func (h fakeHost) Run(context.Context, ...string) error { return nil }
func (h fakeHost) Close() error                         { return nil }

func (h fakeHost) WriteFile(_ context.Context, path string, data []byte, m fs.FileMode) error {
	h.files[path], h.files[mode(path)] = string(data), fmt.Sprintf("%o", m)
	return nil
}

// stepOf returns a host's step of that name.
func stepOf(t *testing.T, p run.Plan, host, name string) step.Step {
	t.Helper()
	for _, s := range p.Only(host) {
		for _, st := range s.Tasks[0].Steps {
			if st.String() == name {
				return st
			}
		}
	}
	t.Fatalf("%s has no step %q", host, name)
	return nil
}

// contains says what of a text's parts is there: "a b" of "a", "b" and "c".
func contains(text string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return !strings.Contains(text, p) }), " ")
}

// The firewall lets in whom a host has sessions with, and on nodes the VMs.
func TestTheFirewallKnowsTheNeighbors(t *testing.T) {
	plan := planOf(t, "mixed", Options{})
	all := []string{"10.10.0.1<", "10.10.0.11<", "10.10.0.12<", "10.10.0.21<", "10.10.0.22<"}
	for name, want := range map[string]struct{ neighbors, vteps, pools string }{
		"rr1":   {"10.10.0.1< 10.10.0.12< 10.10.0.21< 10.10.0.22<", "", ""},
		"node1": {"10.10.0.11< 10.10.0.12<", "10.10.0.22<", "203.0.113.0/24"},
		"node2": {"10.10.0.11< 10.10.0.12<", "10.10.0.21<", "203.0.113.0/24"},
	} {
		h := fakeHost{map[string]string{}}
		if err := stepOf(t, plan, name, "firewalld lets the fabric pass").Apply(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		var neighbors, vteps, rest string
		for path, data := range h.files {
			switch base := filepath.Base(path); {
			case strings.HasPrefix(base, "ipfabric-vtep"):
				vteps += data
			case strings.HasPrefix(base, "ipfabric4"):
				neighbors += data
			default:
				rest += data
			}
		}
		if got := contains(neighbors, all...); got != want.neighbors {
			t.Errorf("%s: neighbors are %s, want %s", name, got, want.neighbors)
		}
		if got := contains(vteps, all...); got != want.vteps {
			t.Errorf("%s: VTEPs are %s, want %s", name, got, want.vteps)
		}
		if got := contains(rest, "203.0.113.0/24"); got != want.pools {
			t.Errorf("%s: VMs are in %q, want %q", name, got, want.pools)
		}
	}
}

// Each host gets its own frr.conf.
func TestFRRIsConfiguredForTheHost(t *testing.T) {
	f := steptest.Fabric(t, "mixed")
	f.RouteReflectors[0].FRR.Source, f.Nodes[0].FRR.Source = "preinstalled", "preinstalled"
	plan, err := New(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"rr1":   "bgp router-id 10.10.0.11|route-reflector-client|neighbor 10.10.0.21 ",
		"node1": "bgp router-id 10.10.0.21|neighbor 10.10.0.11 ",
		"node2": "bgp router-id 10.10.0.22|neighbor 10.10.0.11 ",
	} {
		for _, step := range []string{"frr.conf is current", "FRR runs frr.conf"} {
			diff, err := stepOf(t, plan, name, step).Check(t.Context(), fakeHost{map[string]string{}})
			if err != nil || len(diff) == 0 {
				t.Fatalf("%s: %s: %v, %v", name, step, diff, err)
			}
			if step == "FRR runs frr.conf" {
				continue
			}
			got := contains(diff[0].Want, "bgp router-id 10.10.0.11", "bgp router-id 10.10.0.21", "bgp router-id 10.10.0.22", "route-reflector-client", "neighbor 10.10.0.11 ", "neighbor 10.10.0.21 ")
			if got != strings.ReplaceAll(want, "|", " ") {
				t.Errorf("%s gets %q, want %q", name, got, want)
			}
		}
	}
}

// A change is confirmed only once the sessions with the host's own neighbors
// are back. Without neighbors to wait for, the rollback would be for nothing.
func TestTheConfirmationWaitsForTheNeighbors(t *testing.T) {
	for name, neighbor := range map[string]string{"rr1": "10.10.0.21", "node1": "10.10.0.11"} {
		for _, accept := range []bool{false, true} {
			plan := planOf(t, "mixed", Options{FRR: frr.Options{AcceptSessionLoss: accept}})
			h := fakeHost{map[string]string{"/var/lib/ipfabric/rollback/running.conf": "", "/var/lib/ipfabric/rollback/armed": fmt.Sprintf(`{"Peers":[%q]}`, netip.MustParseAddr(neighbor))}}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			err := stepOf(t, plan, name, "FRR's change is confirmed").Apply(ctx, h)
			cancel()
			if want := !accept; errors.Is(err, context.DeadlineExceeded) != want {
				t.Errorf("%s, --accept-session-loss %v: got %v", name, accept, err)
			}
		}
	}
}

// Somebody else's frr.conf is taken over only with --adopt.
func TestAdoptReachesTheHosts(t *testing.T) {
	const foreign = "router bgp 1\n neighbor 192.0.2.1 remote-as 2\n"
	for _, adopt := range []bool{false, true} {
		f := steptest.Fabric(t, "mixed")
		f.RouteReflectors[0].FRR.Source = "preinstalled"
		plan, err := New(f, Options{FRR: frr.Options{Adopt: adopt}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"rr1", "node2"} {
			h := fakeHost{map[string]string{"/etc/frr/frr.conf": foreign}}
			var foreignConf frr.ForeignConfError
			err := stepOf(t, plan, name, "frr.conf is current").Apply(t.Context(), h)
			if errors.As(err, &foreignConf) == adopt || adopt && err != nil {
				t.Errorf("%s, adopt %v: %v", name, adopt, err)
			}
		}
	}
}

// The agent's configuration says what the inventory says.
func TestTheAgentsConfiguration(t *testing.T) {
	f := steptest.Fabric(t, "mixed")
	plan, err := New(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range f.Nodes {
		want := inventory.AgentConfig{
			Fabric: "mixed", Node: n.Name, Gateway: f.Gateway, Pools: f.Pools, Infrastructure: f.Infrastructure(),
			Virtualization: n.Virtualization, MetricsListen: "127.0.0.1:9472", IsolateVMs: true,
			Protect: inventory.Protect{Enabled: true, Allow: []inventory.Ports{
				{Protocol: "udp", First: 53, Last: 53}, {Protocol: "tcp", First: 8000, Last: 8010},
			}},
			MaxPrefixes: f.BGP.MaxPrefixes,
		}
		installed := stepOf(t, plan, n.Name, "the agent is installed").(agent.Installed)
		running := stepOf(t, plan, n.Name, "the agent runs").(agent.Running)
		for _, got := range []inventory.AgentConfig{installed.Config, running.Config} {
			if diff := cmp.Diff(string(want.Marshal()), string(got.Marshal())); diff != "" {
				t.Errorf("%s: %s", n.Name, diff)
			}
		}
	}
}

// Steps that ask who the host is ask about the host of their task.
func TestEachHostIsAskedForItself(t *testing.T) {
	plan := planOf(t, "mixed", Options{})
	for name, want := range map[string]string{"rr1": "10.10.0.11", "node1": "10.10.0.21", "node2": "10.10.0.22"} {
		_, err := stepOf(t, plan, name, "the host has its addresses").Check(t.Context(), fakeHost{map[string]string{}})
		if err == nil || !strings.HasSuffix(err.Error(), "does not have the address "+want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// libvirt starts only a hook that may be executed.
func TestTheHookOfLibvirtMayBeExecuted(t *testing.T) {
	h := fakeHost{map[string]string{}}
	if err := stepOf(t, planOf(t, "mixed", Options{}), "node1", "libvirt tells the agent of VMs").Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	const path = "/etc/libvirt/hooks/qemu.d/ipfabric"
	if h.files[mode(path)] != "755" || !strings.HasPrefix(h.files[path], "#!") {
		t.Errorf("mode %s: %q", h.files[mode(path)], h.files[path])
	}
}
