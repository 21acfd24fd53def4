package frr

import (
	"slices"
	"testing"

	"ipfabric/steps/frr/conf"
)

// A larger limit reaches a session that FRR before 10.6 keeps closed; no other
// session is touched, and none is cleared for any other change.
func TestALargerLimitReachesAClosedSession(t *testing.T) {
	const (
		summary = "timeout 8 vtysh -c show bgp summary json"
		clear   = "timeout 8 vtysh -c clear bgp "
		before  = "router bgp 65000\n neighbor NODE4 maximum-prefix 3 90 restart 5\n"
		after   = "router bgp 65000\n neighbor NODE4 maximum-prefix 5 90 restart 5\n"
	)
	for running, want := range map[string][]string{
		before:          {clear + "10.10.0.21", clear + "fd00:10::21"},
		"old\n" + after: nil,
	} {
		h := frrHost()
		h.Answers[askFRR] = " zebra bgpd\n" + running
		h.Answers[summary] = `{"ipv4Unicast":{"peers":{"10.10.0.21":{"state":"Idle (PfxCt)"},"10.10.0.22":{"state":"Established"},"10.10.0.12":{"state":"Idle"}}},
			"ipv6Unicast":{"peers":{"fd00:10::21":{"state":"Idle (PfxCt)"}}}}`
		for _, line := range want {
			h.Answers[line] = ""
		}
		render := func(conf.Version) ([]byte, error) { return []byte(after), nil }
		_ = guard(runsConf{render: render}).Apply(t.Context(), h) // what FRR runs then is another test's
		var got []string
		for _, line := range h.Log {
			if len(line) > len(clear) && line[:len(clear)] == clear {
				got = append(got, line)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("cleared %q, want %q", got, want)
		}
	}
}
