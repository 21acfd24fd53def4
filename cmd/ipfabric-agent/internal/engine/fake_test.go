package engine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
)

// A fakeKernel does what it is told to. What it does not know is an error.
type fakeKernel struct {
	mu     sync.Mutex
	links  map[string]*dataplane.Link
	routes []dataplane.SeenRoute
	next   int
	fail   map[string]error // by op
	done   []string
	looks  int
	astray map[netip.Addr]string
	bgp    map[netip.Addr]string // routes by BGP, to their next hops
	empty  bool                  // new interfaces have no guest
}

func (k *fakeKernel) See(_ context.Context, devices []string, all bool) (dataplane.Seen, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looks++
	seen := dataplane.Seen{Links: map[string]*dataplane.Link{}}
	for name, l := range k.links {
		if all || slices.Contains(devices, name) {
			c := *l
			seen.Links[name] = &c
		}
	}
	for _, r := range k.routes {
		for _, l := range seen.Links {
			if r.Link == l.Index {
				seen.Routes = append(seen.Routes, r)
			}
		}
	}
	return seen, nil
}

func (k *fakeKernel) Astray(a netip.Addr, _ int) string { return k.astray[a] }

func (k *fakeKernel) Sysctl(string) string { return "1" }

func (k *fakeKernel) Elsewhere(a netip.Addr) string {
	if a.String() == "203.0.113.66" {
		return "10.10.0.2"
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bgp[a]
}

func (k *fakeKernel) Accounts(user, _ string) error {
	if user == "nosuchuser" {
		return errors.New("there is no user nosuchuser on this node")
	}
	return nil
}

func (k *fakeKernel) Do(o dataplane.Op) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.fail[o.String()]; err != nil {
		return err
	}
	k.done = append(k.done, o.String())
	if o.Verb == dataplane.MakeTap {
		k.add(o.Device, "tun")
		return nil
	}
	if o.Verb == dataplane.DelRoute {
		k.routes = slices.DeleteFunc(k.routes, func(r dataplane.SeenRoute) bool {
			return r.Prefix == o.Prefix && r.Metric == o.Metric && r.Link == o.Index
		})
		return nil
	}
	l := k.links[o.Device]
	if l == nil {
		return errors.New("no such link: " + o.Device)
	}
	switch o.Verb {
	case dataplane.DeleteLink:
		delete(k.links, o.Device)
	case dataplane.SetAlias:
		l.Alias = o.Value
	case dataplane.SetMTU:
		l.MTU = o.MTU
	case dataplane.AddAltName:
		l.AltNames = append(l.AltNames, o.Value)
	case dataplane.SetMAC:
		l.MAC = o.Value
	case dataplane.SetUp, dataplane.SetDown:
		l.Up = o.Verb == dataplane.SetUp
	case dataplane.Set:
		l.Settings[o.Key] = o.Value
	case dataplane.AddAddr:
		l.Addrs = append(l.Addrs, o.Prefix)
	case dataplane.DelAddr:
		l.Addrs = slices.DeleteFunc(l.Addrs, func(p netip.Prefix) bool { return p == o.Prefix })
	case dataplane.SetNeighbor:
		l.Neighbors = append(l.Neighbors, dataplane.Neighbor{Addr: o.Prefix.Addr(), MAC: o.Value})
	case dataplane.DelNeighbor:
		l.Neighbors = nil
	case dataplane.AddFallback: // nobody sees it
	case dataplane.AddRoute:
		k.routes = append(k.routes, dataplane.SeenRoute{Route: dataplane.Route{Prefix: o.Prefix, Metric: o.Metric}, Link: l.Index})
	default:
		return errors.New("it does not know how to " + o.String())
	}
	return nil
}

func (k *fakeKernel) add(device, kind string) {
	k.next++
	k.links[device] = &dataplane.Link{
		Index: k.next, Name: device, Kind: kind, Tap: kind == "tun", Carrier: !k.empty, Settings: map[string]string{},
	}
}

// announced returns the routes as text, in the order of their addresses.
func (k *fakeKernel) announced() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := []string{}
	for _, r := range k.routes {
		metric := " live"
		if r.Metric == dataplane.MetricMigrating {
			metric = " migrating"
		}
		out = append(out, r.Prefix.String()+metric)
	}
	slices.Sort(out)
	return out
}

// A fakeFirewall remembers what it allows.
type fakeFirewall struct {
	mu      sync.Mutex
	entries map[firewall.Entry]bool
	err     error
}

func (f *fakeFirewall) Forget() {}

func (f *fakeFirewall) Restore() (int, error) { return 0, f.err }

func (f *fakeFirewall) Known() bool { return f.err == nil }

func (f *fakeFirewall) Allow(want []firewall.Entry) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return 0, f.err
	}
	n := 0
	for _, e := range want {
		if !f.entries[e] {
			f.entries[e] = true
			n++
		}
	}
	return n, nil
}

func (f *fakeFirewall) Trim(want []firewall.Entry, keep func(string) bool) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for e := range f.entries {
		if !slices.Contains(want, e) && !keep(e.Device) {
			delete(f.entries, e)
			n++
		}
	}
	return n, nil
}

func (f *fakeFirewall) Drops() (firewall.Drops, error) {
	return firewall.Drops{Reasons: map[string]uint64{"spoofed": 3}, Devices: map[string]uint64{"a_net0": 3}}, nil
}

// A node is an Engine on fakes, with a store on a real disk.
type node struct {
	*Engine
	kernel   *fakeKernel
	firewall *fakeFirewall
	dir      string
	now      time.Time
	limit    int           // max_prefixes
	guests   chan struct{} // each value is one packet from a guest
}

func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{
		kernel:   &fakeKernel{links: map[string]*dataplane.Link{}, fail: map[string]error{}},
		firewall: &fakeFirewall{entries: map[firewall.Entry]bool{}},
		dir:      t.TempDir(),
		now:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		guests:   make(chan struct{}),
	}
	n.boot(t)
	return n
}

// boot starts the agent anew: what is in the kernel and on disk stays.
func (n *node) boot(t *testing.T) {
	t.Helper()
	s, err := store.Open(n.dir)
	if err != nil {
		t.Fatal(err)
	}
	n.Engine = New(Options{
		Binary: func() vm.Binary { return vm.Binary{} },
		Build:  vm.Build{Version: "1.2.3", Protocol: vm.Protocol},
		Loaded: vm.Config{Fabric: "lab", Node: "node1"},
		Config: &inventory.AgentConfig{
			Fabric: "lab", Node: "node1", Virtualization: "kvm", MaxPrefixes: n.limit,
			Gateway: inventory.VMGateway{
				IPv4: netip.MustParseAddr("10.0.0.1"), IPv6: netip.MustParseAddr("fe80::1"), MAC: []byte{2, 0, 0, 0, 0, 1},
			},
			Pools: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8:100::/48")},
		},
		Store:    s,
		Kernel:   n.kernel,
		Firewall: n.firewall,
		Sessions: func(context.Context) ([]vm.Session, error) {
			return []vm.Session{
				{Peer: "10.10.0.11", Name: "rr1", Family: "ipv4-unicast", State: "Established", Established: true},
				{Peer: "10.10.0.12", Name: "rr2", Family: "ipv4-unicast", State: "Active"},
			}, nil
		},
		Guest: func(ctx context.Context, _ string) error {
			select {
			case <-n.guests:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return n.now },
	})
	t.Cleanup(n.stopWaiting)
	n.Start(context.Background())
}

// reboot is a boot of the node: nothing is left in the kernel, and no guest runs.
func (n *node) reboot(t *testing.T) {
	t.Helper()
	n.kernel = &fakeKernel{links: map[string]*dataplane.Link{}, fail: map[string]error{}, bgp: map[netip.Addr]string{}, empty: true}
	n.firewall = &fakeFirewall{entries: map[firewall.Entry]bool{}}
	n.boot(t)
}

func (n *node) mustAdd(t *testing.T, name, ip string) {
	t.Helper()
	if _, _, err := n.Add(context.Background(), vm.VM{Name: name, IPv4: netip.MustParseAddr(ip)}); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); <-again.C {
		if ok() {
			return
		}
	}
	t.Fatalf("it never happened: %s", what)
}
