package session

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/run"
	"ipfabric/steps/verify"
)

// A core gateway that refuses the login is a problem that verify found. Another host key may be an attack, and
// hosts that are ipfabric's own have to let it in.
func TestRefusedByCoreGateway(t *testing.T) {
	for _, tt := range []struct {
		host string
		kind remote.Kind
		want int
	}{
		{"mx1", remote.Auth, ui.ExitUnhealthy},
		{"mx1", remote.Sudo, ui.ExitUnhealthy},
		{"mx1", remote.HostKeyChanged, ui.ExitFailed},
		{"rr1", remote.Auth, ui.ExitFailed},
	} {
		b := newBench(t)
		b.fleet.fail(tt.host, &remote.ConnectError{Host: tt.host, Kind: tt.kind})
		report := &verify.Report{Hosts: []verify.HostReport{{Host: tt.host, Checks: []verify.Check{{Name: "reachable", Status: verify.Bad}}}}}
		if got := ui.ExitCode(b.conclude(report, VerifyOptions{})); got != tt.want {
			t.Errorf("%s, %s: exit code %d, want %d", tt.host, tt.kind, got, tt.want)
		}
	}
}

// A jump host that fails is one failure, not one for each host behind it.
func TestJumpHostFailsOnce(t *testing.T) {
	hop := func() error { return connectError("jump host bastion", remote.Refused) }
	result := run.Result{
		{Host: "rr1", State: run.Failed, Err: hop()},
		{Host: "rr2", State: run.Failed, Err: connectError("rr2", remote.Timeout)},
		{Host: "node1", State: run.Failed, Err: hop()},
	}
	got := hostErrors(result)
	if len(got) != 2 || !strings.HasPrefix(got[0].Error(), "rr1, node1: jump host bastion ") || !strings.HasPrefix(got[1].Error(), "rr2 ") {
		t.Errorf("got %q", got)
	}

	report := &verify.Report{}
	for _, r := range result {
		report.Hosts = append(report.Hosts, verify.HostReport{Host: r.Host, Checks: []verify.Check{{Name: "reachable", Status: verify.Bad, Detail: r.Err.Error()}}})
	}
	text := ui.Report(report, false, ui.NoStyle)
	if strings.Count(text, "jump host bastion") != 1 || !strings.Contains(text, "failed  rr1, node1 reachable: jump host bastion") {
		t.Errorf("got\n%s", text)
	}

	var b bytes.Buffer
	say := ui.NewSayer(io.Discard, &b, &ui.Masker{}, func(string) (string, bool) { return "", false })
	say.Failures([]error{hop(), hop()})
	if strings.Count(b.String(), "jump host bastion") != 1 {
		t.Errorf("got\n%s", b.String())
	}
}
