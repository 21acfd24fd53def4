package vms

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// readyLimit is how long the nodes may take to be ready once all reflectors
// prefer the new one: they hear of it at the same time as the core gateways. A
// broken node that never is must not keep a VM there.
const readyLimit = time.Second

// lookAtAll asks the reflectors about the VM, and at the same time the nodes
// whether they are ready for the old one to let go: it has heard of the route by
// the new one, so that it passes on what still arrives; and the new one gives
// packets to the VM's interface, and no longer to the old one.
func (m *move) lookAtAll(ctx context.Context) (views []View, ready bool) {
	nodes := nodesOf(m.sources)
	waiting := make([]bool, len(nodes)+1)
	var all sync.WaitGroup
	all.Add(2)
	go func() {
		defer all.Done()
		onAll(nodes, func(i int, node string) { waiting[i] = m.unheard(ctx, node) })
	}()
	go func() {
		defer all.Done()
		waiting[len(nodes)] = m.passedOn(ctx)
	}()
	views = m.look(ctx)
	all.Wait()
	return views, !slices.Contains(waiting, true)
}

// unheard says whether an old node lacks a route by the new one.
func (m *move) unheard(ctx context.Context, node string) bool {
	addrs := m.vm.Addrs()
	routes, err := m.c.routesAt(ctx, node, addrs)
	return err == nil && slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !routes.From(a, m.vm.Node) })
}

// passedOn says whether the new node's kernel still gives packets for the VM to
// another router: FRR's route to the old node has the better metric, and stays
// until FRR has seen the agent's.
func (m *move) passedOn(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	h, err := m.c.Connect(ctx, m.vm.Node)
	if err != nil {
		return false
	}
	var addrs []string
	for _, a := range m.vm.Addrs() {
		addrs = append(addrs, a.String())
	}
	out, err := h.Query(ctx, assets.Script("routes-to.sh", addrs...)...)
	return err == nil && strings.Contains(out, " via ")
}

func rrNames(rrs []inventory.RouteReflector) []string {
	var out []string
	for _, r := range rrs {
		out = append(out, r.Name)
	}
	return out
}
