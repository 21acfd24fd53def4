//go:build lab

package main

import (
	"strings"
	"testing"
)

// A change is confirmed by the routes that sessions carry, not by the sessions
// alone. VMs on two nodes are pinged by the core, in both families, all the while.
func TestLabRoutesAreWatched(t *testing.T) {
	beside(t, 150)
	f := newFabric(t, "--rrs", "2", "--nodes", "2", "--cores", "1")
	f.ipfabric(0, "init", "--yes")
	web, db := f.addVM("web", "node1"), f.addVM("db", "node2")
	f.announced(web, "node1")
	f.announced(db, "node2")

	pinged := func(f *fabric, change func()) map[string]int {
		pings := f.startPings(route{"core1", "", web.IP}, route{"core1", "", web.IP6}, route{"core1", "", db.IP}, route{"core1", "", db.IP6})
		change()
		stopPings(pings)
		lost := map[string]int{}
		for _, p := range pings {
			lost[p.what[strings.LastIndex(p.what, " ")+1:]] = p.lost()
		}
		return lost
	}
	const usual = "  password: {file: bgp.password}\n"

	t.Run("a good change is confirmed, and loses nothing", func(t *testing.T) {
		f := f.in(t)
		lost := pinged(f, func() {
			f.edit("another hold time", usual, usual+"  hold_time: 36s\n")
			f.ipfabric(0, "init", "--yes")
			f.edit("another pool", "\npools:\n", "\npools:\n  - 192.0.2.0/24\n")
			f.ipfabric(0, "init", "--yes")
		})
		for addr, n := range lost {
			if n > 0 {
				t.Errorf("%s: %d pings lost", addr, n)
			}
		}
		f.ipfabric(0, "plan")
	})

	// FRR applies a route map 5 s after it has changed: the sessions stay up, and
	// then nothing is announced any more. One node feels it, and for seconds only.
	t.Run("a policy that announces nothing is taken back", func(t *testing.T) {
		f := f.in(t)
		const extra = "frr: {extra: \"route-map IPFABRIC-VM4-OUT deny 5\\nexit\\n\"}\n"
		lost := pinged(f, func() {
			f.edit("a policy for all", "\npools:\n", "\n"+extra+"pools:\n")
			out := f.ipfabric(3, "init", "--yes")
			for _, want := range []string{"rolled back: routes were lost, to ", "0 of 1 ipv4-unicast routes", "not begun: the change was rolled back on node"} {
				if !strings.Contains(out, want) {
					t.Errorf("no word of %q:\n%s", want, tail(out))
				}
			}
			f.edit("and it is taken out again", extra, "")
			f.ipfabric(0, "init", "--yes")
		})
		t.Logf("lost: %v", lost)
		if n := lost[web.IP]; n > 1500 { // 15 s: half of it was seen where other tests ran beside it
			t.Errorf("the canary's VM has lost %d pings", n)
		}
		for _, addr := range []string{web.IP6, db.IP, db.IP6} {
			if n := lost[addr]; n > 0 {
				t.Errorf("%s: %d pings lost", addr, n)
			}
		}
		f.report(0, "--wait", "30s")
	})

	t.Run("a cut of port 179 is not confirmed", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr1", "nft add table inet cut; nft 'add chain inet cut in { type filter hook input priority 0; }'; nft add rule inet cut in tcp dport 179 drop; nft add rule inet cut in tcp sport 179 drop")
		lost := pinged(f, func() {
			f.edit("another connect time", usual, usual+"  connect_retry: 7s\n")
			out := f.ipfabric(3, "init", "--yes", "--no-verify")
			if !strings.Contains(out, "rolled back") || !strings.Contains(out, "10.") {
				t.Errorf("got:\n%s", tail(out))
			}
			f.ssh("rr1", "nft delete table inet cut")
			f.edit("and back", usual+"  connect_retry: 7s\n", usual)
			f.ipfabric(0, "init", "--yes")
		})
		for addr, n := range lost {
			if n > 0 {
				t.Errorf("%s: %d pings lost", addr, n)
			}
		}
	})
}
