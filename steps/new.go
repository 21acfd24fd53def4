package steps

import (
	"errors"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// New returns the plan for a fabric. It touches no host.
func New(f *inventory.Fabric, o FRROptions) (Plan, error) {
	if p := f.BGP.Password; !p.IsZero() && p.Reveal() == "" {
		return nil, errors.New("the BGP password was not read") // ReadSecrets comes before New
	}
	var builds agentBuilds
	var keys upstreamKeys
	ready := Stage{Name: "hosts", Parallel: true}
	// An upgrade that one host did not take is not tried on others.
	reflectors := Stage{Name: "route reflectors", Whole: true, EndsRun: o.Upgrade}
	// Upgrading restarts FRR: then the next node has to wait for the last one's sessions.
	nodes := Stage{Name: "nodes", Parallel: !o.Upgrade, FirstAlone: true, Whole: true}

	for _, rr := range f.RouteReflectors {
		if !rr.Managed {
			continue
		}
		ready.Add(rr.Name, frrInstall(rr.Host, &keys)...)
		ready.Add(rr.Name, newFirewall(f, reflectorNeighbors(f, rr), nil, nil))
		reflectors.Add(rr.Name, frrConfigure(rr.Host, o, reflectorNeighbors(f, rr), func(v frrVersion) ([]byte, error) {
			return reflectorConf(f, rr, v)
		})...)
	}
	for _, n := range f.Nodes {
		agent := agentConfigOf(f, n)
		ready.Add(n.Name, frrInstall(n.Host, &keys)...)
		ready.Add(n.Name,
			newFirewall(f, nodeNeighbors(f), vteps(f, n), f.Pools),
			forwarding{},
			agentInstalled{agent, &builds},
			agentRunning{agent, &builds},
		)
		if n.Virtualization == "kvm" {
			ready.Add(n.Name, filesAre{
				name:  "libvirt tells the agent of VMs",
				files: []file{{path: "/etc/libvirt/hooks/qemu.d/ipfabric", data: assets.File("hooks/qemu"), mode: 0o755}},
			})
		}
		nodes.Add(n.Name, frrConfigure(n.Host, o, nodeNeighbors(f), func(v frrVersion) ([]byte, error) {
			return nodeConf(f, n, v)
		})...)
	}
	return Plan{ready, reflectors, nodes}, nil
}

func agentConfigOf(f *inventory.Fabric, n inventory.Node) inventory.AgentConfig {
	return inventory.AgentConfig{
		Fabric: f.Name, Node: n.Name, Gateway: f.Gateway, Pools: f.Pools, Infrastructure: f.Infrastructure(),
		Virtualization: n.Virtualization, MetricsListen: f.MetricsListen, IsolateVMs: f.IsolateVMs,
	}
}
