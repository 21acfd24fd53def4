//go:build lab

package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkLabAnnounce measures how long it takes from adding a VM on a node,
// by the agent's client, until the core gateway's kernel has its route, and the
// same for a bare `ip route add` on the node, in turns. All machines of the lab
// have the same clock. It prints the medians.
func BenchmarkLabAnnounce(b *testing.B) {
	f := newFabric(b, "--rrs", "2", "--nodes", "1", "--cores", "1")
	f.ipfabric(0, "init", "--yes")
	f.ssh("node1", "ipfabric-agent vm add base --ip 203.0.113.250")
	// The core tells of every route with the time of it.
	f.ssh("core1", "nohup ip -ts -4 monitor route >/tmp/routes 2>&1 </dev/null & sleep 0.5")
	base := strings.TrimSpace(f.ssh("node1", "ip -o route show 203.0.113.250 | sed 's/.* dev \\([^ ]*\\).*/\\1/'"))

	var agent, bare []time.Duration
	for i := 0; b.Loop(); i++ {
		vm, route := fmt.Sprintf("203.0.113.%d", 1+i%100), fmt.Sprintf("203.0.113.%d", 101+i%100)
		agent = append(agent, f.announce(b, vm, fmt.Sprintf("ipfabric-agent vm add v%d --ip %s >/dev/null", i, vm)))
		bare = append(bare, f.announce(b, route, fmt.Sprintf("ip route add %s/32 dev %s proto static scope link", route, base)))
		f.ssh("node1", fmt.Sprintf("ipfabric-agent vm remove v%d >/dev/null; ip route del %s/32", i, route))
	}
	b.ReportMetric(milliseconds(median(agent)), "agent-ms")
	b.ReportMetric(milliseconds(median(bare)), "bare-ms")
	b.ReportMetric(float64(median(agent))/float64(median(bare)), "agent/bare")
}

// announce runs a command on node1 and returns the time until the core has
// the route.
func (f *fabric) announce(b *testing.B, addr, command string) time.Duration {
	b.Helper()
	start, err := strconv.ParseFloat(strings.TrimSpace(f.ssh("node1", "date +%s.%N; "+command)), 64)
	if err != nil {
		b.Fatal(err)
	}
	line := regexp.MustCompile(`\[([0-9T:.-]+)\] ` + regexp.QuoteMeta(addr) + ` via `)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		found := line.FindAllStringSubmatch(f.ssh("core1", "TZ=UTC cat /tmp/routes"), -1)
		if len(found) == 0 {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05.999999", found[len(found)-1][1])
		if err != nil {
			b.Fatal(err)
		}
		if d := at.Sub(time.Unix(0, int64(start*1e9))); d > 0 {
			return d
		}
	}
	b.Fatalf("the core has no route to %s", addr)
	return 0
}

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
