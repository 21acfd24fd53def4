package reach

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/inventory/vm"
)

// A VM is one whose packets are looked after.
type VM struct {
	Name   string
	Device string // its interface on this node
	Index  int    // of the interface
	Addrs  []netip.Addr
	Guest  bool // a guest is attached
}

// A Question says what to look at.
type Question struct {
	VMs []VM
	// Peers are the hosts that the VMs' packets come from and go to, such as the
	// route reflectors. The uplinks are the interfaces that lead to them.
	Peers []netip.Addr
	Pools []netip.Prefix // of the VMs' addresses
	// Families that VMs have in this fabric.
	IPv4, IPv6 bool
}

// An Answer is what was found.
type Answer struct {
	Findings []vm.Finding
	// Silent are VMs whose guest is attached but does not answer ARP or neighbor
	// discovery, by name, with the addresses that it does not answer for.
	Silent map[string][]netip.Addr
}

// A Look is open to the network of the namespace that it was opened in. Its
// method must not be called twice at the same time.
type Look struct {
	handle *netlink.Handle
	tables *nftables.Conn
	proc   string // /proc/sys/net
}

// Open opens the network of the calling thread's namespace.
func Open() (*Look, error) {
	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	tables, err := nftables.New(nftables.AsLasting())
	if err != nil {
		handle.Close()
		return nil, fmt.Errorf("nftables: %w", err)
	}
	return &Look{handle: handle, tables: tables, proc: "/proc/sys/net"}, nil
}

// Close gives the sockets back.
func (l *Look) Close() {
	l.handle.Close()
	_ = l.tables.CloseLasting()
}

// Ask looks at everything. What could not be looked at is in the error; the
// answer has the rest.
func (l *Look) Ask(q Question) (Answer, error) {
	up, upErr := l.uplinks(q)
	var a Answer
	var errs []error
	add := func(what string, found []vm.Finding, err error) {
		a.Findings = append(a.Findings, found...)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	add("the uplinks", l.settings(q, up), upErr)
	found, err := l.filters(q, up)
	add("the filters of other programs", found, err)
	found, err = l.rules(q, up)
	add("the rules of routing", found, err)
	add("connection tracking", l.conntrack(), nil)
	a.Silent, err = l.silent(q.VMs)
	add("the neighbors", silentNotes(a.Silent), err)
	return a, errors.Join(errs...)
}

// A device is a network interface.
type device struct {
	index   int
	name    string
	kind    string // "device" is hardware
	usable  bool   // it is up and has a carrier
	reaches []netip.Addr
}

// uplinks are the interfaces that lead to the peers, sorted by name.
func (l *Look) uplinks(q Question) ([]device, error) {
	found := map[int]*device{}
	for _, peer := range q.Peers {
		routes, err := kernel.Again(func() ([]netlink.Route, error) { return l.handle.RouteGet(peer.AsSlice()) })
		if err != nil || len(routes) == 0 {
			continue // no route: its session is down, which is told elsewhere
		}
		if found[routes[0].LinkIndex] == nil {
			d, err := l.device(routes[0].LinkIndex)
			if err != nil {
				return nil, err
			}
			found[d.index] = &d
		}
		d := found[routes[0].LinkIndex]
		d.reaches = append(d.reaches, peer)
	}
	var out []device
	for _, d := range found {
		if d.name != "lo" {
			out = append(out, *d)
		}
	}
	slices.SortFunc(out, func(a, b device) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

func (l *Look) device(index int) (device, error) {
	link, err := l.handle.LinkByIndex(index)
	if err != nil {
		return device{}, err
	}
	a := link.Attrs()
	const ready = unix.IFF_UP | unix.IFF_RUNNING
	return device{index: index, name: a.Name, kind: link.Type(), usable: a.RawFlags&ready == ready}, nil
}

// some lists names for people: the first few, and how many more there are.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// ofVMs is "VM web", "VMs db and web" or "all VMs".
func ofVMs(names []string, all int) string {
	switch {
	case len(names) == all && all > 1:
		return "all VMs"
	case len(names) == 1:
		return "VM " + names[0]
	}
	return "VMs " + some(names)
}
