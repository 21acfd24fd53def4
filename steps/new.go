package steps

import (
	"errors"
	"net/netip"
	"slices"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// An Option changes what a plan may do.
type Option func(*options)

type options struct{ adopt, acceptLoss, upgrade, downgradeAgent bool }

// Adopt lets the plan take over a frr.conf that ipfabric did not write; a
// copy of it is kept on the host.
func Adopt() Option { return func(o *options) { o.adopt = true } }

// AcceptSessionLoss confirms changes of FRR even if sessions that were up
// before them do not come back.
func AcceptSessionLoss() Option { return func(o *options) { o.acceptLoss = true } }

// UpgradeFRR upgrades FRR to the newest version of its source, on one host
// after the other.
func UpgradeFRR() Option { return func(o *options) { o.upgrade = true } }

// DowngradeAgent replaces agents that are newer than those of this program too.
func DowngradeAgent() Option { return func(o *options) { o.downgradeAgent = true } }

// New returns the plan for a fabric. It touches no host.
func New(f *inventory.Fabric, opts ...Option) (Plan, error) {
	if p := f.BGP.Password; !p.IsZero() && p.Reveal() == "" {
		return nil, errors.New("the BGP password was not read") // ReadSecrets comes before New
	}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	var builds agentBuilds
	var keys upstreamKeys
	ready := Stage{Name: "hosts", Parallel: true}
	// An upgrade that one host did not take is not tried on others.
	reflectors := Stage{Name: "route reflectors", Whole: true, EndsRun: o.upgrade}
	// Upgrading restarts FRR: then the next node has to wait for the last one's sessions.
	nodes := Stage{Name: "nodes", Parallel: !o.upgrade, FirstAlone: true, Whole: true}

	for _, rr := range f.RouteReflectors {
		if !rr.Managed {
			continue
		}
		ready.add(rr.Name, installed(rr.Host, &keys)...)
		ready.add(rr.Name, newFirewall(f, reflectorNeighbors(f, rr), nil, nil))
		reflectors.add(rr.Name, o.configured(rr.Host, reflectorNeighbors(f, rr), func(v frrVersion) ([]byte, error) {
			return reflectorConf(f, rr, v)
		})...)
	}
	for _, n := range f.Nodes {
		agent := agentConfigOf(f, n)
		ready.add(n.Name, installed(n.Host, &keys)...)
		ready.add(n.Name,
			newFirewall(f, nodeNeighbors(f), vteps(f, n), f.Pools),
			forwarding{},
			agentInstalled{agent, &builds, o.downgradeAgent},
			agentRunning{agent, &builds},
		)
		if n.Virtualization == "kvm" {
			ready.add(n.Name, filesAre{
				name:  "libvirt tells the agent of VMs",
				files: []file{{path: "/etc/libvirt/hooks/qemu.d/ipfabric", data: assets.File("hooks/qemu"), mode: 0o755}},
			})
		}
		nodes.add(n.Name, o.configured(n.Host, nodeNeighbors(f), func(v frrVersion) ([]byte, error) {
			return nodeConf(f, n, v)
		})...)
	}
	return Plan{ready, reflectors, nodes}, nil
}

// installed is what every host with FRR needs before its configuration.
func installed(h inventory.Host, keys *upstreamKeys) []Step {
	return []Step{
		supported{h},
		hasAddresses{h},
		frrSourced{h, keys},
		frrInstalled{h},
		filesAre{
			name: "FRR's service is set up",
			files: []file{
				{path: "/etc/systemd/system/frr.service.d/ipfabric.conf", data: assets.File("node/frr-service.conf"), mode: 0o644},
				{path: frrScript, data: assets.File("node/frr-config.sh"), mode: 0o755},
			},
			then: []string{"systemctl", "daemon-reload"},
		},
	}
}

// configured is what makes FRR run a host's configuration.
func (o options) configured(h inventory.Host, neighbors []netip.Addr, render confRenderer) []Step {
	var rb rollback
	steps := []Step{
		frrIntegrated{o},
		frrConf{h, render, o, rb},
		frrDaemons{rb},
		frrService{h, rb},
		frrRunsConf{h, render, rb},
		frrConfirmed{rb, neighbors, o.acceptLoss},
	}
	if o.upgrade { // before frr.conf, which is written for a version
		steps = slices.Insert(steps, 0, Step(frrUpgraded{h, rb}))
	}
	return steps
}

// add appends steps to a host's task, which it makes if there is none.
func (s *Stage) add(host string, steps ...Step) {
	for i := range s.Tasks {
		if s.Tasks[i].Node == host {
			s.Tasks[i].Steps = append(s.Tasks[i].Steps, steps...)
			return
		}
	}
	s.Tasks = append(s.Tasks, Task{Node: host, Steps: steps})
}

func agentConfigOf(f *inventory.Fabric, n inventory.Node) inventory.AgentConfig {
	return inventory.AgentConfig{
		Fabric: f.Name, Node: n.Name, Gateway: f.Gateway, Pools: f.Pools, Infrastructure: f.Infrastructure(),
		Virtualization: n.Virtualization, MetricsListen: f.MetricsListen, IsolateVMs: f.IsolateVMs,
	}
}

// reflectorNeighbors is everybody that a reflector has a session with.
func reflectorNeighbors(f *inventory.Fabric, rr inventory.RouteReflector) []netip.Addr {
	var out []netip.Addr
	for _, n := range f.Nodes {
		out = append(out, n.IPv4, n.IPv6)
	}
	for _, c := range f.CoreGateways {
		out = append(out, c.IPv4, c.IPv6)
	}
	for _, r := range f.RouteReflectors {
		if r.Name != rr.Name {
			out = append(out, r.IPv4, r.IPv6)
		}
	}
	return out
}

// vteps are the other nodes, if VMs have VXLAN between nodes.
func vteps(f *inventory.Fabric, n inventory.Node) []netip.Addr {
	var out []netip.Addr
	for _, other := range f.Nodes {
		if f.VXLAN && other.Name != n.Name {
			out = append(out, other.IPv4, other.IPv6)
		}
	}
	return out
}

// nodeNeighbors is everybody that a node has a session with.
func nodeNeighbors(f *inventory.Fabric) []netip.Addr {
	var out []netip.Addr
	for _, r := range f.RouteReflectors {
		out = append(out, r.IPv4, r.IPv6)
	}
	return out
}
