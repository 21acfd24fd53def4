package dataplane

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"

	"ipfabric/inventory/vm"
)

// A Result is what Plan found.
type Result struct {
	Ops []Op
	// States of the wanted VMs, by name, as they will be once all Ops are done.
	States map[string]State
}

// A State is how a VM's interface is.
type State struct {
	Index   int    // of its link; 0: there is none yet
	Present bool   // there is an interface, and it can be used
	Carrier bool   // something is at its other end
	Routes  int    // that it has, or gets from the Ops
	Problem string // why the interface cannot be used, or not for all
}

// Plan says what to do so that the kernel has what is wanted.
//
// The agent's links and routes that are seen but not wanted are removed, unless
// keep says that it is not known what their VM needs. keep("") says that it is
// not known which VMs there are. Hence seen must not hold the links of VMs that wants leaves out.
func Plan(wants []Want, seen Seen, keep func(name string) bool) Result {
	p := planner{
		seen:   seen,
		index:  map[int]*Link{},
		marked: map[string]*Link{},
		routes: map[int][]Route{},
		claim:  map[int]bool{},
		result: Result{States: map[string]State{}},
	}
	for _, l := range seen.Links {
		p.index[l.Index] = l
		if name, _ := Marked(l.Alias); name != "" && (p.marked[name] == nil || l.Index < p.marked[name].Index) {
			p.marked[name] = l
		}
	}
	for _, r := range seen.Routes {
		p.routes[r.Link] = append(p.routes[r.Link], r.Route)
	}
	for _, w := range wants {
		p.vm(w)
	}
	p.leftovers(keep)
	return p.result
}

type planner struct {
	seen   Seen
	index  map[int]*Link
	marked map[string]*Link // by VM
	routes map[int][]Route
	claim  map[int]bool // links that a VM wants
	result Result
}

func (p *planner) do(o Op) { p.result.Ops = append(p.result.Ops, o) }

// vm brings one VM's link into the wanted state. The order matters: settings
// come before the link goes up, routes after, and new routes before old ones
// go, so that there is always one.
func (p *planner) vm(w Want) {
	op := Op{VM: w.VM, Device: w.Device}
	link := p.seen.Links[w.Device]
	if link == nil || p.claim[link.Index] {
		link = p.renamed(w)
	}
	if link == nil && !w.Make {
		p.result.States[w.VM] = State{}
		return
	}
	if link == nil {
		alias := aliasMade + w.VM
		link = &Link{Tap: true, Alias: alias, Made: true}
		make := op
		make.Verb, make.Owner, make.Group, make.MultiQueue = MakeTap, w.Owner, w.Group, w.MultiQueue
		p.do(make)
		p.do(op.with(SetAlias, alias))
	}
	if link.Index != 0 {
		p.claim[link.Index] = true
	}
	if why := link.Unfit(w, p.index); why != "" {
		p.result.States[w.VM] = State{Problem: "interface " + w.Device + ": " + why}
		return
	}
	alias := aliasTaken + w.VM
	if link.made(w.VM) {
		alias = aliasMade + w.VM
	}
	if name, _ := Marked(link.Alias); name != w.VM || link.Made && link.Alias != alias {
		p.do(op.with(SetAlias, alias))
	}
	if w.AltName != "" && !p.seen.NoAltNames && !slices.Contains(link.AltNames, w.AltName) {
		p.do(op.with(AddAltName, w.AltName))
	}
	if link.MAC != w.MAC {
		p.do(op.with(SetMAC, w.MAC))
	}
	if link.NoARP {
		p.do(op.with(SetARP, ""))
	}
	w, problem := p.mtu(op, w, link)
	for _, s := range w.Settings {
		have, there := link.Settings[s.Key]
		if have == s.Value || s.Optional && !there && link.Index != 0 {
			continue
		}
		set := op
		set.Verb, set.Key, set.Value, set.Optional = Set, s.Key, s.Value, s.Optional
		p.do(set)
	}
	p.addresses(op, w, link)
	if !link.Up {
		p.do(op.with(SetUp, ""))
	}
	p.neighbors(op, w, link)
	var have []Route
	if link.Index != 0 {
		have = p.routes[link.Index]
	}
	p.syncRoutes(op, w.Routes, have, link.Index)
	p.result.States[w.VM] = State{Index: link.Index, Present: true, Carrier: link.Carrier, Routes: len(w.Routes), Problem: problem}
}

// renamed finds a VM's link under another name that it was given, and has it
// renamed: what a VM may send is known by its interface's name.
func (p *planner) renamed(w Want) *Link {
	l := p.marked[w.VM]
	if l == nil || p.claim[l.Index] {
		return nil
	}
	p.do(Op{VM: w.VM, Device: w.Device, Verb: Rename, Value: l.Name})
	return l
}

func (o Op) with(v Verb, value string) Op {
	o.Verb, o.Value = v, value
	return o
}

func (o Op) at(v Verb, p netip.Prefix) Op {
	o.Verb, o.Prefix = v, p
	return o
}

func (p *planner) addresses(op Op, w Want, link *Link) {
	for _, a := range w.Addrs {
		if !slices.Contains(link.Addrs, a) {
			p.do(op.at(AddAddr, a))
		}
	}
	for _, a := range link.Addrs {
		if !slices.Contains(w.Addrs, a) {
			p.do(op.at(DelAddr, a))
		}
	}
}

func (p *planner) neighbors(op Op, w Want, link *Link) {
	for _, n := range w.Neighbors {
		// Setting a link up flushes its neighbors.
		if link.Up && slices.Contains(link.Neighbors, n) {
			continue
		}
		p.do(op.at(SetNeighbor, host(n.Addr)).with(SetNeighbor, n.MAC))
	}
	for _, have := range link.Neighbors {
		wanted := func(n Neighbor) bool { return n.Addr == have.Addr }
		if !slices.ContainsFunc(w.Neighbors, wanted) {
			p.do(op.at(DelNeighbor, host(have.Addr)))
		}
	}
}

func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func (p *planner) syncRoutes(op Op, want, have []Route, index int) {
	op.Index = index
	for _, r := range want {
		if !slices.Contains(have, r) {
			add := op.at(AddRoute, r.Prefix)
			add.Metric = r.Metric
			p.do(add)
		}
	}
	for _, r := range have {
		if !slices.Contains(want, r) {
			del := op.at(DelRoute, r.Prefix)
			del.Metric = r.Metric
			p.do(del)
		}
	}
}

// leftovers removes what the agent made and no VM needs.
func (p *planner) leftovers(keep func(string) bool) {
	kept := map[int]bool{}
	links := slices.SortedFunc(maps.Values(p.seen.Links), func(a, b *Link) int { return cmp.Compare(a.Name, b.Name) })
	for _, l := range links {
		name, made := Marked(l.Alias)
		if name == "" || p.claim[l.Index] {
			continue
		}
		if keep(name) {
			kept[l.Index] = true
			continue
		}
		p.release(Op{VM: name, Device: l.Name}, l, made || l.Made)
		kept[l.Index] = true // release has dealt with its routes
	}
	for _, index := range slices.Sorted(maps.Keys(p.routes)) {
		if p.claim[index] || kept[index] || keep("") {
			continue
		}
		device := "(no interface)"
		if l := p.index[index]; l != nil {
			device = l.Name
		}
		p.syncRoutes(Op{Device: device}, nil, p.routes[index], index)
	}
}

// release removes a VM from a link. A link that the agent made is deleted. Any
// other link belongs to another program: it is set down, so that a guest that is
// no longer known here cannot send through this node unfiltered.
func (p *planner) release(op Op, l *Link, made bool) {
	p.syncRoutes(op, nil, p.routes[l.Index], l.Index)
	if made {
		p.do(op.with(DeleteLink, ""))
		return
	}
	p.do(op.with(SetDown, ""))
	w := Want{VM: op.VM}
	p.addresses(op, w, l)
	p.neighbors(op, w, l)
	if full := vm.AltName(op.VM); slices.Contains(l.AltNames, full) {
		p.do(op.with(DelAltName, full))
	}
	// Last, so that whatever fails before is tried again the next time.
	p.do(op.with(SetAlias, ""))
}
