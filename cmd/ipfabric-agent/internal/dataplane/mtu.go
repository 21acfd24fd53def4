package dataplane

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const (
	tapMTU  = 1500 // what the kernel gives a new tap
	minMTU6 = 1280 // below, the kernel takes IPv6 off a link, its sysctls too
)

// mtu gives a tap that the agent has made its MTU back. That of another
// program's link is that program's to choose; where it leaves no room for IPv6, the VM wants none.
func (p *planner) mtu(op Op, w Want, l *Link) (left Want, problem string) {
	if l.MTU == 0 || l.made(w.VM) {
		if l.MTU != 0 && l.MTU != tapMTU {
			op.Verb, op.MTU = SetMTU, tapMTU
			p.do(op)
		}
		return w, ""
	}
	is6 := func(a netip.Addr) bool { return a.Is6() }
	if l.MTU >= minMTU6 || !slices.ContainsFunc(w.Guest, is6) {
		return w, ""
	}
	w.Addrs = slices.DeleteFunc(slices.Clone(w.Addrs), func(a netip.Prefix) bool { return is6(a.Addr()) })
	w.Settings = slices.DeleteFunc(slices.Clone(w.Settings), func(s Setting) bool { return strings.HasPrefix(s.Key, "ipv6/") })
	w.Neighbors = slices.DeleteFunc(slices.Clone(w.Neighbors), func(n Neighbor) bool { return is6(n.Addr) })
	w.Routes = slices.DeleteFunc(slices.Clone(w.Routes), func(r Route) bool { return is6(r.Prefix.Addr()) })
	return w, fmt.Sprintf("the VM has no IPv6: the MTU of interface %s is %d, and below %d the kernel has none there (ip link set %s mtu %d)",
		l.Name, l.MTU, minMTU6, l.Name, tapMTU)
}

// made says whether the agent has made the link for a VM.
func (l *Link) made(name string) bool {
	who, made := Marked(l.Alias)
	return l.Made || made && who == name
}
