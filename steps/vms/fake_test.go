package vms

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

const FabricText = `
fabric: lab
as: 65000
communities: ["65000:100"]
gateway: {ipv4: 10.0.0.1, ipv6: "fe80::1"}
pools: [203.0.113.0/29, "2001:db8:100::/48"]
route_reflectors:
  - {name: rr1, addresses: [10.10.0.11, "fd00:10::11"]}
  - {name: rr2, addresses: [10.10.0.12, "fd00:10::12"]}
nodes:
  - {name: node1, addresses: [10.10.0.21, "fd00:10::21"], virtualization: kvm}
  - {name: node2, addresses: [10.10.0.22, "fd00:10::22"], virtualization: kvm}
  - {name: node3, addresses: [10.10.0.23, "fd00:10::23"], virtualization: lxd}
`

// A fleet is the agents of a fabric's nodes, and reflectors that know at
// once what these announce.
type fleet struct {
	t      *testing.T
	fabric *inventory.Fabric
	inUse  sync.Mutex // the operators' lock

	mu       sync.Mutex
	agents   map[string]map[string]*VM // node → name
	guests   map[string]bool           // "node1 web": a guest is attached
	down     map[string]bool           // hosts that cannot be reached
	mute     map[string]bool           // nodes whose FRR announces nothing
	frr      map[string]error          // what vtysh fails with on a host
	stranger map[string]string         // address → node that announces it though no agent has it
	problems map[string][]string       // of nodes, as their agents tell them
	passesOn int                       // how often the nodes' kernels still have the way to another node
	notes    []string
	changes  []string                         // what was done, in order
	before   func(n int, change string) error // called before each; an error keeps it from being done
	after    func(n int, change string) error // the change is done, its answer is lost
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{t: t, fabric: steptest.ParseFabric(t, FabricText), agents: map[string]map[string]*VM{}, guests: map[string]bool{},
		down: map[string]bool{}, mute: map[string]bool{}, frr: map[string]error{}, stranger: map[string]string{}, problems: map[string][]string{}}
	for _, n := range f.fabric.Nodes {
		f.agents[n.Name] = map[string]*VM{}
	}
	return f
}

// control is one operator's.
func (f *fleet) control() *Control {
	return &Control{
		Fabric: f.fabric, Poll: time.Millisecond, Limit: 50 * time.Millisecond,
		Connect: func(_ context.Context, host string) (step.Host, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.down[host] {
				return nil, fmt.Errorf("%s (10.10.0.99:22) gave no answer", host)
			}
			return &fleetHost{f, host}, nil
		},
		Lock: func(_ context.Context, hosts []string) (func(), []Silent, error) {
			f.inUse.Lock()
			var silent []Silent
			for _, h := range hosts {
				if f.down[h] {
					silent = append(silent, Silent{h, fmt.Errorf("%s gave no answer", h)})
				}
			}
			return f.inUse.Unlock, silent, nil
		},
		Note: func(text string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.notes = append(f.notes, text)
		},
	}
}

func newVM(name string, phase vm.Phase) *VM {
	return &VM{Observed: vm.Observed{VM: vm.VM{Name: name, Interface: name + "_net0", Link: vm.Tap, Phase: phase, Source: SourceAPI}}}
}

// put has a VM on a node, with a guest.
func (f *fleet) put(node, name, ip, ip6 string, phase vm.Phase) {
	v := newVM(name, phase)
	if ip != "" {
		v.IPv4 = netip.MustParseAddr(ip)
	}
	if ip6 != "" {
		v.IPv6 = netip.MustParseAddr(ip6)
	}
	f.agents[node][name] = v
	f.guests[node+" "+name] = true
}

// announcers are the nodes with a guest that reflectors know to announce a VM.
func (f *fleet) announcers(name string) []string {
	var out []string
	for node, vms := range f.agents {
		if v := vms[name]; v != nil && f.announces(node, v) && f.guests[node+" "+name] {
			out = append(out, node)
		}
	}
	slices.Sort(out)
	return out
}

func (f *fleet) announces(node string, v *VM) bool {
	return !f.mute[node] && (v.Phase == PhaseLive || v.Phase == PhaseMigrating)
}

// has says where a VM is, and in which phase: "node1 live, node2 migrating".
func (f *fleet) has(name string) string {
	var out []string
	for _, n := range f.fabric.Nodes {
		if v := f.agents[n.Name][name]; v != nil {
			out = append(out, n.Name+" "+string(v.Phase))
		}
	}
	return strings.Join(out, ", ")
}

// wantError checks an error's kind, and that it says what it should.
func wantError(t *testing.T, err error, kind ErrorKind, parts ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a VMError", err)
	}
	if e.Kind != kind {
		t.Errorf("kind %d, want %d: %v", e.Kind, kind, err)
	}
	if e.Hint() == "" {
		t.Errorf("no hint: %v", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error()+" | "+e.Hint(), p) {
			t.Errorf("%q has no %q", err.Error()+" | "+e.Hint(), p)
		}
	}
}
