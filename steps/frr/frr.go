package frr

import (
	"net/netip"
	"slices"
	"time"

	"ipfabric/assets"
	"ipfabric/inventory"
	"ipfabric/steps/host"
	"ipfabric/steps/packages"
	"ipfabric/steps/step"
)

// Options say what a plan may do to FRR.
type Options struct {
	// Adopt takes over a frr.conf that ipfabric did not write; a copy of it is
	// kept on the host.
	Adopt bool
	// AcceptSessionLoss confirms changes even if sessions that were up before
	// them do not come back.
	AcceptSessionLoss bool
	// Upgrade upgrades FRR to the newest version of its source, on one host
	// after the other.
	Upgrade bool
}

// Install is what every host with FRR needs before its configuration.
func Install(h inventory.Host, keys *UpstreamKeys) []step.Step {
	return []step.Step{
		packages.Supported{Host: h},
		host.Addresses{Host: h},
		sourced{h, keys},
		installed{h},
		host.Files{
			Name: "FRR's service is set up",
			Files: []host.File{
				{Path: "/etc/systemd/system/frr.service.d/ipfabric.conf", Data: assets.File("node/frr-service.conf"), Mode: 0o644},
				{Path: scriptPath, Data: assets.File("node/frr-config.sh"), Mode: 0o755},
			},
			Then: []string{"systemctl", "daemon-reload"},
		},
	}
}

// Configure is what makes FRR run a host's configuration. The neighbors are
// those of the new configuration: sessions with others may go down. Each change
// is guarded; the last step confirms what the others have changed.
func Configure(h inventory.Host, o Options, neighbors []netip.Addr, render Renderer) []step.Step {
	var rb rollback
	guard := func(c change) step.Step { return guarded{c, &rb} }
	steps := []step.Step{
		integrated{o},
		guard(confFileCurrent{h, render, o}),
		guard(daemons{}),
		guard(service{patience: 8 * time.Second}),
		guard(runsConf{h, render}),
		confirmed{&rb, neighbors, o.AcceptSessionLoss, usualPatience},
	}
	if o.Upgrade { // before frr.conf, which is written for a version
		steps = slices.Insert(steps, 0, guard(upgraded{h}))
	}
	return steps
}
