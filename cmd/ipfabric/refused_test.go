package main

import (
	"testing"

	"ipfabric/remote"
	"ipfabric/steps"
)

// A core gateway that refuses the login is a problem that verify found. Another host key may be an attack, and
// hosts that are ipfabric's own have to let it in.
func TestRefusedByCoreGateway(t *testing.T) {
	for _, tt := range []struct {
		host string
		kind remote.Kind
		want int
	}{
		{"mx1", remote.Auth, exitUnhealthy},
		{"mx1", remote.Sudo, exitUnhealthy},
		{"mx1", remote.HostKeyChanged, exitFailed},
		{"rr1", remote.Auth, exitFailed},
	} {
		b := newBench(t)
		b.fleet.fail(tt.host, &remote.ConnectError{Host: tt.host, Kind: tt.kind})
		report := &steps.Report{Hosts: []steps.HostReport{{Host: tt.host, Checks: []steps.Check{{Name: "reachable", Status: steps.Bad}}}}}
		if got := exitCode(b.conclude(report, verifyOptions{})); got != tt.want {
			t.Errorf("%s, %s: exit code %d, want %d", tt.host, tt.kind, got, tt.want)
		}
	}
}
