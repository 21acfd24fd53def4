package frr

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step"
)

func TestForeign(t *testing.T) {
	packaged := "# default to using syslog.\n#\nlog syslog informational\n"
	if Foreign([]byte(packaged)) || Foreign(nil) {
		t.Error("a new package's file counts as somebody's")
	}
	if Foreign([]byte(conf.Header + "\nrouter bgp 65000\n")) {
		t.Error("our own file counts as somebody's")
	}
	if !Foreign([]byte(packaged + "router ospf\n")) {
		t.Error("somebody's file does not count as theirs")
	}
}

func TestEnableDaemons(t *testing.T) {
	in := "# bgpd=yes in a comment\nbgpd=no\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\n"
	want := "# bgpd=yes in a comment\nbgpd=yes\nospfd=yes\nbgpd_options=\"   -A 127.0.0.1\"\nbfdd=yes\n"
	if diff := cmp.Diff(want, string(EnableDaemons([]byte(in)))); diff != "" {
		t.Error(diff)
	}
}

func TestParseReloadTest(t *testing.T) {
	const out = `2026-01-01 12:00:00,000  INFO: Loading Config object from vtysh show running

Lines To Delete
===============
no hostname rr1
ip forwarding
no bfd
router bgp 65000
 no neighbor 10.9.9.9 remote-as 65001

Lines To Add
============
hostname rr1
`
	want := step.Diff{
		{Item: "running configuration", Have: "router bgp 65000"},
		{Item: "running configuration", Have: "no neighbor 10.9.9.9 remote-as 65001"},
	}
	if diff := cmp.Diff(want, ParseReloadTest(out)); diff != "" {
		t.Error(diff)
	}
}
