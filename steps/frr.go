package steps

import (
	"net/netip"
	"slices"

	"ipfabric/assets"
	"ipfabric/inventory"
)

// FRROptions say what a plan may do to FRR.
type FRROptions struct {
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

// frrInstall is what every host with FRR needs before its configuration.
func frrInstall(h inventory.Host, keys *upstreamKeys) []Step {
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

// frrConfigure is what makes FRR run a host's configuration. The neighbors are
// those of the new configuration: sessions with others may go down.
func frrConfigure(h inventory.Host, o FRROptions, neighbors []netip.Addr, render confRenderer) []Step {
	var rb rollback
	steps := []Step{
		frrIntegrated{o},
		frrConf{h, render, o, rb},
		frrDaemons{rb},
		frrService{h, rb},
		frrRunsConf{h, render, rb},
		frrConfirmed{rb, neighbors, o.AcceptSessionLoss},
	}
	if o.Upgrade { // before frr.conf, which is written for a version
		steps = slices.Insert(steps, 0, Step(frrUpgraded{h, rb}))
	}
	return steps
}
