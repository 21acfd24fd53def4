package verify

import (
	"context"
	"sync"
	"time"

	"ipfabric/inventory"
	"ipfabric/steps/bgp"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
	"ipfabric/steps/vms"
)

// Verify looks at every host of the fabric at the same time, at both ends of every
// session, and at every VM. It changes nothing.
//
// The plan is what init would make true; without one, planErr says why there is
// none, and is what the report says of every host's configuration.
//
// Hosts that are not to be asked are not connected: reflectors that
// others manage, and core gateways without a looking glass. Core gateways are
// connected last, when every other host is connected or has failed: they may
// be another team's, so a password is tried on the fabric's own hosts first.
func Verify(ctx context.Context, f *inventory.Fabric, plan run.Plan, planErr error, connect func(ctx context.Context, host string) (step.Host, error)) *Report {
	return verify(ctx, f, connect, wantedSteps(plan), planErr, vms.SettleTime)
}

func verify(ctx context.Context, f *inventory.Fabric, connect connector, wanted map[string][]step.Step, wantedErr error, pause time.Duration) *Report {
	sights := newSights(f)
	var all, dialled sync.WaitGroup
	for _, s := range sights {
		if s.asked && !s.isCore() {
			dialled.Add(1)
		}
	}
	for _, s := range sights {
		if !s.asked {
			continue
		}
		all.Add(1)
		go func() {
			defer all.Done()
			e := examiner{f: f, sight: s, steps: wanted[s.host.Name], stepsErr: wantedErr}
			if s.isCore() {
				dialled.Wait()
				e.examine(ctx, connect)
				return
			}
			once := sync.OnceFunc(dialled.Done)
			defer once()
			e.examine(ctx, func(ctx context.Context, name string) (step.Host, error) {
				defer once()
				return connect(ctx, name)
			})
		}()
	}
	all.Wait()

	r := &Report{Fabric: f.Name, Time: time.Now().UTC(), Hosts: []HostReport{}, NotAsked: []string{}}
	for _, s := range sights {
		r.Hosts = append(r.Hosts, HostReport{Host: s.host.Name, Role: s.host.Role, Checks: append([]Check{}, s.checks...)})
		if !s.asked {
			r.NotAsked = append(r.NotAsked, s.host.Name)
		}
	}
	all.Add(1)
	go func() {
		defer all.Done()
		r.Sessions = examineSessions(ctx, f, connect, sights, pause)
	}()
	r.VMs = examineVMs(ctx, f, connect, sights, pause)
	all.Wait()
	r.explainVMs()
	r.Healthy = !r.has(Bad) && !r.has(NotChecked)
	return r
}

// A sight is what verify saw of one host.
type sight struct {
	host   inventory.HostRole
	extra  string // the operator's own lines of frr.conf
	asked  bool
	glass  string // a core gateway's looking glass
	checks []Check
	peers  bgp.Peers     // nil: no answer
	node   vms.NodeFacts // what a node's agent says
	view   vms.View      // what a managed reflector has of the VMs
	blind  string        // why there is no answer: "rr1 cannot be reached"
	down   bool          // the host itself gave no answer
}

func (s *sight) isCore() bool { return s.host.Role == inventory.RoleCoreGateway }

// newSights lists all hosts in the inventory's order.
func newSights(f *inventory.Fabric) []*sight {
	asked, glass := map[string]bool{}, map[string]string{}
	for _, rr := range f.RouteReflectors {
		asked[rr.Name] = rr.Managed
	}
	for _, c := range f.CoreGateways {
		glass[c.Name] = c.LookingGlass
		asked[c.Name] = c.LookingGlass == "bird" || c.LookingGlass == "frr"
	}
	for _, n := range f.Nodes {
		asked[n.Name] = true
	}
	var out []*sight
	for _, h := range f.Hosts() {
		out = append(out, &sight{host: h, extra: h.FRR.Extra, asked: asked[h.Name], glass: glass[h.Name]})
	}
	for i, rr := range f.RouteReflectors {
		out[i].view.RR = rr
	}
	nodes := out[len(out)-len(f.Nodes):] // the order is Hosts'
	for i, n := range f.Nodes {
		nodes[i].node.Node, nodes[i].node.Asked = n, true
	}
	return out
}

func sightsByName(sights []*sight) map[string]*sight {
	out := map[string]*sight{}
	for _, s := range sights {
		out[s.host.Name] = s
	}
	return out
}
