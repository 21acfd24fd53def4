package vms

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Add makes a VM reachable through a node, with addresses that are free. It
// holds the lock of all nodes while it looks for them. already says that the
// very same VM was there.
func (c *Control) Add(ctx context.Context, r Request) (vm VM, already bool, err error) {
	var lost VM // this very VM, if its node's agent has lost its file
	noted := false
	err = c.locked(ctx, func(s survey) error {
		for _, v := range s.named(r.Name) {
			if v.FileError != "" {
				if err := r.lost(v); err != nil {
					return err
				}
				lost = v
				continue
			}
			if v.Phase == PhaseOff {
				return r.offAlready(v)
			}
			if v.Node != r.Node {
				return refused(fmt.Sprintf("`ipfabric vm move %s --to %s` moves it, or take another name", r.Name, r.Node),
					"there is a VM %s on %s already, with %s", r.Name, v.Node, addrList(v.Addrs()))
			}
			if other := r.differs(v); other != "" {
				return refused(fmt.Sprintf("`ipfabric vm remove %s` first, or take another name", r.Name),
					"there is a VM %s on %s already, with %s", r.Name, v.Node, other)
			}
			vm, already = v, true
		}
		if already && len(s.named(r.Name)) == 1 {
			return nil
		}
		s.vms = slices.DeleteFunc(s.vms, func(v VM) bool { return v.Name == lost.Name && v.Node == lost.Node })
		if c.stopped() {
			return ErrInterrupted
		}
		if len(s.silent) > 0 {
			return silentError(s.silent, "nothing was added: an address is only given to a VM when every node can be asked whether it is free")
		}
		if r.pick4 || r.pick6 {
			if err := s.checkAddrsKnown(); err != nil {
				return err
			}
		}
		want, err := c.settled(ctx, r, s, lost)
		if err != nil {
			return err
		}
		if err := c.room(s, want); err != nil {
			return err
		}
		noted = true
		if err := c.addVM(ctx, want); err != nil {
			return c.notAdded(want, err)
		}
		if vm, err = c.askVM(ctx, want.Node, want.Name); err != nil {
			return c.notAdded(want, err)
		}
		return nil
	})
	if err != nil && !noted && interrupted(ctx, err) {
		err = &Error{Msg: fmt.Sprintf("VM %s was not added", r.Name), Err: ErrInterrupted, Next: "run the same command again"}
	}
	return vm, already, err
}

// differs says what a VM has that is not as requested, "" if nothing is. What
// the request says nothing of may be anything.
func (r Request) differs(v VM) string {
	for _, x := range []struct {
		what, have, want string
		none             bool
	}{
		{"address ", orEmpty(v.IPv4), orEmpty(r.IPv4), r.none4},
		{"address ", orEmpty(v.IPv6), orEmpty(r.IPv6), r.none6},
		{"MAC ", v.MAC.String(), r.MAC.String(), false},
		{"interface ", v.Interface, r.Interface, false},
		{"link ", string(v.Link), string(r.Link), false},
		{"owner ", v.Owner, r.Owner, false},
		{"group ", v.Group, r.Group, false},
	} {
		if x.have == x.want || x.want == "" && !x.none {
			continue
		}
		if x.have == "" {
			return "no " + x.what + x.want
		}
		return x.what + x.have
	}
	if r.MultiQueue && !v.MultiQueue {
		return "a tap of one queue"
	}
	return ""
}

// settled fills in the addresses that are to be chosen, and refuses those that
// somebody has. Those of lost are the VM's own.
func (c *Control) settled(ctx context.Context, r Request, s survey, lost VM) (VM, error) {
	owners := map[netip.Addr]string{}
	for _, v := range s.vms {
		for _, a := range v.Addrs() {
			if _, taken := owners[a]; !taken || v.Phase != PhaseOff { // rather the one that runs
				owners[a] = v.Whose()
			}
		}
	}
	for {
		v, err := c.choose(r, owners)
		if err != nil {
			return v, err
		}
		// An address may be announced though no agent lists it: by a node that
		// is no longer in the inventory, or whose agent has lost its files.
		announcers := c.announced(ctx, v.Addrs())
		for _, a := range lost.Addrs() {
			if announcers[a].node == lost.Node {
				delete(announcers, a)
			}
		}
		if len(announcers) == 0 {
			return v, nil
		}
		for _, a := range r.Addrs() {
			if p, ok := announcers[a]; ok && p.node == v.Node {
				return v, c.lostVM(v, a, p)
			}
		}
		for a, p := range announcers {
			if p.node == v.Node {
				// It may be this VM's own, under which its guest still runs.
				return v, c.lostVM(withOnly(v, a), a, p)
			}
			owners[a] = p.who
			if !slices.Contains(r.Addrs(), a) {
				c.note(a.String(), " is passed over: it is ", p.who)
			}
		}
	}
}

// choose takes the addresses of the request, and the lowest free ones where it
// has none. It only looks at its arguments and the fabric.
func (c *Control) choose(r Request, owners map[netip.Addr]string) (VM, error) {
	v := r.VM
	v.Phase = PhaseLive
	for _, a := range v.Addrs() {
		if who, taken := owners[a]; taken {
			return v, refused("leave --ip and --ip6 out for the lowest free address", "%s is in use: it is %s", a, who)
		}
	}
	used := func(a netip.Addr) bool {
		_, taken := owners[a]
		return taken || c.Fabric.HolderOf(a) != ""
	}
	for _, x := range []struct {
		pick  bool
		pools []netip.Prefix
		into  *netip.Addr
		what  string
	}{
		{r.pick4, c.Fabric.Pools4(), &v.IPv4, "IPv4"},
		{r.pick6, c.Fabric.Pools6(), &v.IPv6, "IPv6"},
	} {
		if !x.pick {
			continue
		}
		a, ok := lowestFree(x.pools, used)
		if !ok {
			return v, refused("add a pool to the inventory and run `ipfabric init`, or remove VMs that are not needed",
				"no %s address is free: all of the pools' are in use", x.what)
		}
		*x.into = a
	}
	return v, nil
}

// withOnly is the VM with that one address.
func withOnly(v VM, a netip.Addr) VM {
	v.IPv4, v.IPv6 = netip.Addr{}, netip.Addr{}
	if a.Is4() {
		v.IPv4 = a
		return v
	}
	v.IPv6 = a
	return v
}

// An announcer announces an address that no agent lists.
type announcer struct {
	node string // or the next hop's address, if it is no node's
	who  string
}

// announced says of each address that a reflector has a route to it, and by
// whom. Reflectors that give no answer are left out.
func (c *Control) announced(ctx context.Context, addrs []netip.Addr) map[netip.Addr]announcer {
	out := map[netip.Addr]announcer{}
	for _, v := range c.views(ctx, c.reflectors(nil), addrs) {
		for _, a := range addrs {
			for _, p := range v.Routes[a] {
				out[a] = announcer{p.Node, fmt.Sprintf("announced by %s, says %s, though no agent lists it", p.Node, v.RR.Name)}
			}
		}
	}
	return out
}

// AwaitSeen waits until every managed route reflector prefers the VM's node for
// each of its addresses, for a few seconds at most. It returns how they see it
// in the end. FRR 10 announces a VM only once a guest is attached, so without
// one it does not wait for long.
func (c *Control) AwaitSeen(ctx context.Context, vm VM) ([]Seen, error) {
	limit := c.limit()
	if vm.GuestMissing() != "" {
		limit = min(limit, 2*time.Second)
	}
	var seen []Seen
	_, err := c.await(ctx, limit, func() bool {
		seen = c.SeenBy(ctx, []VM{vm})[0]
		for _, s := range seen {
			if s.Status != SeenYes {
				return false
			}
		}
		return true
	})
	return seen, err
}

// SeenBy asks all managed route reflectors about VMs. It returns an answer of
// each reflector for each VM whose addresses it carries.
func (c *Control) SeenBy(ctx context.Context, vms []VM) [][]Seen {
	seen, _ := c.seenBy(ctx, vms)
	return seen
}

func (c *Control) seenBy(ctx context.Context, vms []VM) ([][]Seen, []View) {
	var addrs []netip.Addr
	for _, v := range vms {
		addrs = append(addrs, v.Addrs()...)
	}
	views := c.views(ctx, c.reflectors(nil), addrs)
	out := make([][]Seen, len(vms))
	for i, v := range vms {
		out[i] = []Seen{}
		for _, w := range views {
			if s := w.Seen(v); s.Status != "" {
				out[i] = append(out[i], s)
			}
		}
	}
	return out, views
}
