package steps

import (
	"errors"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/agent"
	"ipfabric/steps/firewall"
	"ipfabric/steps/frr"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/host"
	"ipfabric/steps/run"
)

// Options say what a plan may do beside the usual.
type Options struct {
	FRR frr.Options
	// DowngradeAgent replaces agents that are newer than those of this program.
	DowngradeAgent bool
}

// New returns the plan for a fabric. It touches no host.
func New(f *inventory.Fabric, o Options) (run.Plan, error) {
	if p := f.BGP.Password; !p.IsZero() && p.Reveal() == "" {
		return nil, errors.New("the BGP password was not read") // ReadSecrets comes before New
	}
	var builds agent.Builds
	var keys frr.UpstreamKeys
	ready := run.Stage{Name: "hosts", Parallel: true}
	// An upgrade that one host did not take is not tried on others.
	reflectors := run.Stage{Name: "route reflectors", Whole: true, EndsRun: o.FRR.Upgrade}
	// Upgrading restarts FRR: then the next node has to wait for the last one's sessions.
	nodes := run.Stage{Name: "nodes", Parallel: !o.FRR.Upgrade, Canary: true, Whole: true}

	for _, rr := range f.RouteReflectors {
		if !rr.Managed {
			continue
		}
		ready.Add(rr.Name, frr.Install(rr.Host, &keys)...)
		ready.Add(rr.Name, firewall.New(f, conf.ReflectorNeighbors(f, rr), nil, nil))
		reflectors.Add(rr.Name, frr.Configure(rr.Host, o.FRR, conf.ReflectorNeighbors(f, rr), func(v conf.Version) ([]byte, error) {
			return conf.Reflector(f, rr, v)
		})...)
	}
	for _, n := range f.Nodes {
		nodeAgent := agentConfigOf(f, n)
		ready.Add(n.Name, frr.Install(n.Host, &keys)...)
		ready.Add(n.Name,
			firewall.New(f, conf.NodeNeighbors(f), conf.VTEPs(f, n), f.Pools),
			host.Forwarding{},
			agent.Installed{Config: nodeAgent, Builds: &builds, Downgrade: o.DowngradeAgent},
			agent.Running{Config: nodeAgent, Builds: &builds},
		)
		if n.Virtualization == "kvm" {
			ready.Add(n.Name, host.Files{
				Name:  "libvirt tells the agent of VMs",
				Files: []host.File{{Path: "/etc/libvirt/hooks/qemu.d/ipfabric", Data: assets.File("hooks/qemu"), Mode: 0o755}},
			})
		}
		nodes.Add(n.Name, frr.Configure(n.Host, o.FRR, conf.NodeNeighbors(f), func(v conf.Version) ([]byte, error) {
			return conf.Node(f, n, v)
		})...)
	}
	return run.Plan{ready, reflectors, nodes}, nil
}

func agentConfigOf(f *inventory.Fabric, n inventory.Node) inventory.AgentConfig {
	return inventory.AgentConfig{
		Fabric: f.Name, Node: n.Name, Gateway: f.Gateway, Pools: f.Pools, Infrastructure: f.Infrastructure(),
		Virtualization: n.Virtualization, MetricsListen: f.MetricsListen, IsolateVMs: f.IsolateVMs,
		Protect:     f.Protect,
		MaxPrefixes: f.BGP.MaxPrefixes,
	}
}
