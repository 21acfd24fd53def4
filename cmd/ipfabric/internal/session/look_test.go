package session

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

func TestOutlookIsMadeToBeRead(t *testing.T) {
	conf := "! header\nrouter bgp 65000\n bgp router-id 10.10.0.11\nexit\n"
	o := &ui.Outlook{Changes: 4, Failed: 1, Hosts: []ui.HostOutlook{
		{Host: "rr1", State: run.Differs, Steps: []run.Difference{
			{Step: "FRR is installed", Diff: step.Diff{{Item: "package frr", Want: "installed"}}},
			{Step: "frr.conf is current", Diff: step.Diff{{Item: "/etc/frr/frr.conf", Have: strings.Replace(conf, ".11", ".12", 1), Want: conf}}},
		}},
		{Host: "rr2", State: run.InSync},
		{Host: "node1", State: run.Failed, Result: run.HostResult{Host: "node1", Err: errors.New("is down")}},
		{Host: "node2", State: run.Differs, Steps: []run.Difference{
			{Step: "files are there", Diff: step.Diff{
				{Item: "/etc/new.conf", Want: conf},
				{Item: "/etc/old.conf", Have: "one\n"},
			}},
			{Step: "the service runs", Diff: step.Diff{{Item: "service frr", Have: "stopped", Want: "running"}}},
		}},
		{Host: "node3", State: run.Differs, Steps: []run.Difference{
			{Step: "files are there", Diff: step.Diff{
				{Item: "/etc/new.conf", Want: conf},
				{Item: "/etc/old.conf", Have: "one\n"},
			}},
			{Step: "the service runs", Diff: step.Diff{{Item: "service frr", Have: "stopped", Want: "running"}}},
		}},
	}}
	want := `rr1  2 changes
  FRR is installed
    package frr: none → installed
  frr.conf is current
    /etc/frr/frr.conf:
      @@ router bgp 65000
      - bgp router-id 10.10.0.12
      + bgp router-id 10.10.0.11

node1  could not be looked at

node2, node3  2 changes
  files are there
    /etc/new.conf: new, 4 lines
    /etc/old.conf: to be removed, 1 line
  the service runs
    service frr: stopped → running

4 changes to make, 1 host in sync, 1 host could not be looked at
`
	if d := cmp.Diff(want, o.Render(ui.InShort, ui.NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	wantText(t, "everything", o.Render(ui.Everything, ui.NoStyle), "+ bgp router-id 10.10.0.11\n", "+! header\n", "-one\n")
}

// Each host has its own router ID, and the same change: it is shown once. What
// FRR is to run is shown only where it does not follow from the file.
func TestTheSameChangeOfManyHostsIsShownOnce(t *testing.T) {
	o := &ui.Outlook{Changes: 6}
	for i, host := range []string{"rr1", "node1", "node2"} {
		have := fmt.Sprintf("router bgp 65000\n bgp router-id 10.10.0.%d\n neighbor RR4 bfd\n !\n address-family ipv4 unicast\n  neighbor RR4 activate\nexit\nbfd\n profile fabric\n  receive-interval 300\nexit\n", i)
		want := strings.Replace(strings.Replace(have, "300", "500", 1), "activate\n", "activate\n  neighbor RR4 soft-reconfiguration inbound\n", 1)
		running := step.Diff{
			{Item: conf.Running, Have: "bfd | profile fabric | receive-interval 300"}, {Item: conf.Running, Want: "bfd | profile fabric | receive-interval 500"},
		}
		if host == "node2" {
			running = append(running, step.Change{Item: conf.Running, Have: "ip forwarding"})
		}
		o.Hosts = append(o.Hosts, ui.HostOutlook{Host: host, State: run.Differs, Steps: []run.Difference{
			{Step: "frr.conf is current", Diff: step.Diff{{Item: "/etc/frr/frr.conf", Have: have, Want: want}}},
			{Step: "FRR runs frr.conf", Diff: running},
		}})
	}
	const file = `  frr.conf is current
    /etc/frr/frr.conf:
      @@ router bgp 65000 › address-family ipv4 unicast
      +  neighbor RR4 soft-reconfiguration inbound
      @@ bfd › profile fabric
      -  receive-interval 300
      +  receive-interval 500
`
	want := "rr1, node1  2 changes\n" + file + "  FRR runs frr.conf (takes over these lines)\n\nnode2  2 changes\n" + file + `  FRR runs frr.conf
    running configuration: ip forwarding → none

6 changes to make
`
	if d := cmp.Diff(want, o.Render(ui.InShort, ui.NoStyle)); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	wantText(t, "everything", o.Render(ui.Everything, ui.NoStyle), "   neighbor RR4 activate\n", "running configuration: bfd | profile fabric | receive-interval 300 → none")
}

func TestOutlookWithoutChanges(t *testing.T) {
	o := &ui.Outlook{Hosts: []ui.HostOutlook{{Host: "rr1"}, {Host: "rr2"}}}
	if got := o.Render(ui.InShort, ui.NoStyle); got != "0 changes, 2 hosts in sync\n" {
		t.Errorf("%q", got)
	}
}

func TestLongDiffsAreCut(t *testing.T) {
	var have, want strings.Builder
	for i := range 100 {
		fmt.Fprintf(&have, "old %d\n", i)
		fmt.Fprintf(&want, "new %d\n", i)
	}
	c := step.Change{Item: "f", Have: have.String(), Want: want.String()}
	short := ui.RenderChange(c, ui.InShort, ui.NoStyle)
	if n := strings.Count(short, "\n"); n != ui.ShownLines+2 {
		t.Errorf("%d lines", n)
	}
	wantText(t, "short form", short, "160 more lines; --verbose shows all")
	wantText(t, "whole form", ui.RenderChange(c, ui.Everything, ui.NoStyle), "-old 99\n", "+new 99\n")
}

func TestHostErrorGoesFromOutsideIn(t *testing.T) {
	for want, r := range map[string]run.HostResult{
		"rr1: frr.conf is current: no space left": {Host: "rr1", Step: "frr.conf is current", Err: errors.New("no space left")},
		"rr1 (10.10.0.99:22) ":                    {Host: "rr1", Err: connectError("rr1", remote.Timeout)},
		"rr1: stopped before it began":            {Host: "rr1", Err: run.ErrStopped},
	} {
		if got := hostError(r).Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
