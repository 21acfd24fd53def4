package engine

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/cmd/ipfabric-agent/internal/reach"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
)

// A Kernel is looked at and changed: see package kernel.
type Kernel interface {
	See(ctx context.Context, devices []string, all bool) (dataplane.Seen, error)
	Do(dataplane.Op) error
	Sysctl(key string) string
	// Astray says where packets for an address go if not over the link; "" is there.
	Astray(a netip.Addr, index int) string
	// Accounts says which of a user and a group there is none of; "" is none needed.
	Accounts(user, group string) error
	// Elsewhere says by which router another node has an address; "" is none.
	Elsewhere(netip.Addr) string
}

// A Firewall lets VMs send what is theirs: see package firewall.
type Firewall interface {
	Allow([]firewall.Entry) (changes int, err error)
	Trim(want []firewall.Entry, keep func(device string) bool) (changes int, err error)
	Forget()
	Restore() (changes int, err error)
	Known() bool
	Drops() (firewall.Drops, error)
}

// Options are what an Engine is made of.
type Options struct {
	Build    vm.Build
	Binary   func() vm.Binary
	Loaded   vm.Config
	Config   *inventory.AgentConfig
	Store    *store.Store
	Kernel   Kernel
	Firewall Firewall
	// Reach finds what keeps packets from the VMs: see package reach. It may be nil.
	Reach func(reach.Question) (reach.Answer, error)
	// Sessions asks FRR.
	Sessions func(context.Context) ([]vm.Session, error)
	// Guest returns nil once the guest behind a link has sent something.
	Guest func(ctx context.Context, device string) error
	// Defined returns the domains that libvirt knows, running or not. It may be nil.
	Defined func() []vm.VM
	// Running returns the domains that run. It may be nil.
	Running func() []libvirt.Domain
	Log     *slog.Logger
	Now     func() time.Time
}

// An Engine keeps the kernel as the VMs of this node need it.
type Engine struct {
	Options
	started time.Time

	// work is held while VMs are added or removed and while the kernel is
	// looked at and changed: one pass at a time.
	work sync.Mutex
	// clashes are VMs that cannot be served because of others, as the last
	// complete pass found them. Guarded by work.
	clashes map[string]string
	// logged are the warnings about VMs' files that were logged, by VM. Guarded
	// by work.
	logged map[string]string

	// looked says that afterBoot was done. Guarded by work.
	looked bool

	// What is known from the last passes.
	mu      sync.Mutex
	states  map[string]vmState
	held    map[string]heldVM     // about which nothing is done
	doubts  map[string]doubt      // VMs that are not announced until more is known
	full    map[string]string     // VMs that are one too many, and why
	owners  map[netip.Addr]string // who has an address, as of the last passes
	made    map[int]bool          // links that carry or carried the agent's mark, and whether it made them
	former  map[int]bool          // links of VMs that were removed since the last complete pass
	global  map[string]string     // problems that are not one VM's, by what was tried
	notes   map[string]string     // warnings, by what they are about
	off     map[vm.Source][]vm.VM
	counts  Counts
	waiting map[string]context.CancelFunc // guests that are waited for

	obstacles obstacles

	pending pending
	beat    atomic.Int64 // unix nanoseconds: the last sign of life
}

// A vmState is what a pass found about one VM.
type vmState struct {
	dataplane.State
	device  string
	problem string // why it is not as it should be
	failed  bool   // something could not be done: it is tried again soon
}

// A heldVM is one that is wanted, though not in which way.
type heldVM struct {
	vmState
	addrs []netip.Addr // that are routed to it
}

// Counts are about passes over the VMs, since the agent started.
type Counts struct {
	Passes  int // complete ones
	Partial int // over some VMs
	Failed  int // with at least one error
	Changes int
	Errors  int
	Last    time.Time // of the last complete one
	Took    time.Duration
}

// New makes an Engine. Nothing happens before Start.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Engine{
		Options: o,
		started: o.Now(),
		states:  map[string]vmState{},
		owners:  map[netip.Addr]string{},
		doubts:  map[string]doubt{},
		made:    map[int]bool{},
		former:  map[int]bool{},
		global:  map[string]string{},
		notes:   map[string]string{},
		off:     map[vm.Source][]vm.VM{},
		waiting: map[string]context.CancelFunc{},
		pending: pending{wake: make(chan struct{}, 1)},
	}
	e.alive()
	return e
}

// FirewallOptions returns what the rules depend on in a configuration.
func FirewallOptions(c *inventory.AgentConfig) firewall.Options {
	o := firewall.Options{
		Isolate: c.IsolateVMs, Gateway4: c.Gateway.IPv4, Gateway6: c.Gateway.IPv6,
		Fabric: c.Infrastructure, Pools: c.Pools, Protect: c.Protect.Enabled,
	}
	for _, p := range c.Protect.Allow {
		protocol := byte(unix.IPPROTO_TCP)
		if p.Protocol == "udp" {
			protocol = unix.IPPROTO_UDP
		}
		o.Open = append(o.Open, firewall.Ports{Protocol: protocol, First: p.First, Last: p.Last})
	}
	if _, port, err := net.SplitHostPort(c.MetricsListen); err == nil {
		o.MetricsPort, _ = strconv.Atoi(port)
	}
	return o
}

// alive notes a sign of life, for the watchdog.
func (e *Engine) alive() { e.beat.Store(time.Now().UnixNano()) }

// Alive says when the engine last gave a sign of life.
func (e *Engine) Alive() time.Time { return time.Unix(0, e.beat.Load()) }

func (e *Engine) settings() dataplane.Settings {
	return dataplane.Settings{
		IPv4:    e.Config.Gateway.IPv4,
		IPv6:    e.Config.Gateway.IPv6,
		MAC:     vm.MAC(e.Config.Gateway.MAC),
		Drained: e.Store.Drained(),
	}
}

// pooled says whether an address is in the pools. What libvirt and LXD say is
// checked in the same way.
func (e *Engine) pooled(a netip.Addr) bool {
	return slices.ContainsFunc(e.Config.Pools, func(p netip.Prefix) bool { return p.Contains(a) })
}
