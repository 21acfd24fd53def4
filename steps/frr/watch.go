package frr

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/bgp"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/step"
)

// sessions are what a host's Established sessions carry, by their neighbors.
type sessions = map[netip.Addr]bgp.Session

// A patience is how long a change is watched before it is confirmed or taken back.
type patience struct {
	back   time.Duration // for sessions and routes to come back
	policy time.Duration // for a policy to take effect: see usualPatience
	lost   time.Duration // for routes that are gone though no session has restarted
	poll   time.Duration // between two looks
}

// usualPatience leaves room within rollbackAfter for the reload before it. FRR
// applies a changed route map to the routes that it has 5 s later ("bgp route-map
// delay-timer" in its manual): a look before that sees the old state.
var usualPatience = patience{back: 60 * time.Second, policy: 6 * time.Second, lost: time.Second, poll: 500 * time.Millisecond}

// A loss is what a change has cost.
type loss struct {
	down   []netip.Addr // sessions that are not Established
	silent []netip.Addr // sessions on which nothing was received since the change
	routes []string     // "to 10.10.0.11: 0 of 3 ipv4-unicast routes"
}

func (l loss) any() bool { return len(l.down)+len(l.silent)+len(l.routes) > 0 }

// text says what was lost.
func (l loss) text(within time.Duration) string {
	var parts []string
	if len(l.down) > 0 {
		parts = append(parts, fmt.Sprintf("%d of the sessions that were up before did not come back within %s (%s)", len(l.down), within, addresses(l.down)))
	}
	if len(l.silent) > 0 {
		parts = append(parts, fmt.Sprintf("nothing was received any more from %s: is TCP port 179 blocked since the change?", addresses(l.silent)))
	}
	if len(l.routes) > 0 {
		parts = append(parts, "routes were lost, "+step.Some(l.routes, ", "))
	}
	return strings.Join(parts, "; ")
}

func addresses(list []netip.Addr) string {
	var names []string
	for _, a := range list {
		names = append(names, a.String())
	}
	return strings.Join(names, ", ")
}

// watch looks at FRR until all is as it was before the change, or it is clear
// that something is lost.
func (s confirmed) watch(ctx context.Context, h step.Host, before armedState) (loss, error) {
	start := time.Now()
	first, err := bgp.Sessions(ctx, h)
	if err != nil {
		return loss{}, err
	}
	var expected []netip.Addr
	for _, a := range before.Peers {
		if slices.Contains(s.neighbors, a) {
			expected = append(expected, a)
		}
	}
	if len(expected) == 0 || s.acceptLoss {
		return missing(first, expected), nil
	}
	diff, err := s.changedLines(ctx, h)
	if err != nil {
		return loss{}, err
	}
	settled := start
	if conf.ChangesRoutes(diff) {
		settled = start.Add(s.patience.policy)
	}
	uncounted := takenAway(diff)
	// Every neighbor answers a request for its routes (RFC 2918). Where one does
	// not know that, its next keepalive is the sign of life.
	_, err = h.Query(ctx, bgp.Vtysh("clear bgp ipv4 unicast * soft in", "clear bgp ipv6 unicast * soft in")...)
	if err != nil && step.ExitStatus(err) < 0 {
		return loss{}, err
	}
	gone := time.Time{} // since when routes are lost, and nothing else
	for {
		now, err := bgp.Sessions(ctx, h)
		if err != nil {
			return loss{}, err
		}
		l := missing(now, expected)
		for _, a := range expected {
			was, is := first[a], now[a]
			if is.Messages > 0 && is.Messages == was.Messages {
				l.silent = append(l.silent, a)
			}
		}
		l.routes = lostRoutes(before, now, expected, uncounted)
		switch {
		case time.Now().Before(settled):
		case !l.any() || time.Since(start) > s.patience.back:
			return l, nil
		case len(l.down)+len(l.silent) > 0 || restarted(now, expected, time.Since(before.Since)):
			gone = time.Time{} // they have their reason, and may come back
		case gone.IsZero():
			gone = time.Now()
		case time.Since(gone) > s.patience.lost:
			return l, nil
		}
		if err := step.Pause(ctx, s.patience.poll); err != nil {
			return loss{}, err
		}
	}
}

// changedLines compares what FRR runs with what it ran before the change.
func (s confirmed) changedLines(ctx context.Context, r step.Reader) (step.Diff, error) {
	was, err := r.ReadFile(ctx, rollbackRunning)
	if err != nil {
		return nil, err
	}
	running, err := runningConf(ctx, r)
	if err != nil {
		return nil, err
	}
	return conf.Compare(string(was), running), nil
}

// missing are the neighbors without a session.
func missing(now sessions, expected []netip.Addr) loss {
	var l loss
	for _, a := range expected {
		if _, up := now[a]; !up {
			l.down = append(l.down, a)
		}
	}
	return l
}

// restarted says whether a session is younger than the change.
func restarted(now sessions, expected []netip.Addr, age time.Duration) bool {
	return slices.ContainsFunc(expected, func(a netip.Addr) bool { return now[a].Up < age })
}

// takenAway are the address families of which a change removes prefixes, or which
// it removes as a whole: fewer of their routes are as it is meant.
func takenAway(diff step.Diff) map[string]bool {
	return map[string]bool{
		bgp.IPv4Unicast: conf.Deactivates(diff, "ipv4 unicast") || conf.RemovesPrefixes(diff, "4"),
		bgp.IPv6Unicast: conf.Deactivates(diff, "ipv6 unicast") || conf.RemovesPrefixes(diff, "6"),
		bgp.EVPN:        conf.Deactivates(diff, "l2vpn evpn"),
	}
}

// lostRoutes says which sessions with the neighbors that stay carry fewer routes
// than before, and fewer than the change takes away itself: the routes of
// neighbors that go, and those of the families that are not counted. VMs come and
// go also while a change is made: of many routes, one in twenty may be missing.
func lostRoutes(before armedState, now sessions, stay []netip.Addr, uncounted map[string]bool) []string {
	gone := map[string]int{}
	for a, s := range before.Sessions {
		if !slices.Contains(stay, a) {
			for family, n := range s.Families {
				gone[family] += n.Accepted
			}
		}
	}
	var out []string
	for _, a := range stay {
		is, up := now[a]
		if !up {
			continue
		}
		for _, family := range []string{bgp.IPv4Unicast, bgp.IPv6Unicast, bgp.EVPN} {
			was, used := before.Sessions[a].Families[family]
			if !used || uncounted[family] {
				continue
			}
			n := is.Families[family]
			if fewer(n.Sent, was.Sent-gone[family]) {
				out = append(out, fmt.Sprintf("to %s: %d of %d %s routes", a, n.Sent, was.Sent, family))
			}
			if fewer(n.Accepted, was.Accepted) {
				out = append(out, fmt.Sprintf("from %s: %d of %d %s routes", a, n.Accepted, was.Accepted, family))
			}
		}
	}
	return out
}

// fewer says whether more than one of twenty is missing.
func fewer(now, before int) bool { return before-now > before/20 }
