//go:build lab

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// move moves a VM while it is pinged every 10 ms from the core gateway and from
// VMs on the node that it leaves, and returns how long that took. Its guest is on
// both nodes for a while.
func (f *fabric) move(v labVM, from, to string, near ...string) time.Duration {
	f.t.Helper()
	f.lab("guest", "add", to, v.Name)
	var routes []route
	for _, a := range v.addrs() {
		routes = append(routes, route{"core1", "", a})
		for _, guest := range near {
			routes = append(routes, route{from, guest, a})
		}
	}
	pingers := f.startPings(routes...)
	log := filepath.Join(f.dir, "move.log")
	_ = os.Remove(log) // there is none before the first move
	began := time.Now()
	out := f.ipfabric(0, "vm", "move", v.Name, "--to", to, "--log-file", log)
	took := time.Since(began)
	f.t.Logf("%s moves from %s to %s in %.2f s:\n%s", v.Name, from, to, took.Seconds(), timeline(f.t, log))
	stopPings(pingers)
	for _, p := range pingers {
		lost := p.lost()
		f.t.Logf("%s: %d replies lost %s", p.what, lost, p.gaps(began))
		if lost > 2 {
			f.t.Errorf("%s: %d replies were lost, 2 are the most\n%s\n%s", p.what, lost, out, f.evidence(v, from, to))
		}
	}
	f.announced(v, to)
	f.lab("guest", "remove", from, v.Name)
	for _, a := range v.addrs() {
		f.reaches("core1", "", a)
	}
	return took
}

// evidence is what may tell why replies were lost.
func (f *fabric) evidence(v labVM, nodes ...string) string {
	f.t.Helper()
	var out strings.Builder
	for _, machine := range append(nodes, "core1", "rr1", "rr2") {
		said, _ := f.exec("ipfabric-lab", "ssh", machine, fmt.Sprintf(
			"ip neigh; ip route show %s; ip -6 route show %s; journalctl -q --no-pager --since -20s | tail -40", v.IP, v.IP6))
		fmt.Fprintf(&out, "== %s\n%s", machine, said)
	}
	return out.String()
}

var (
	logLine = regexp.MustCompile(`^(\S+Z) +(\S+) +(.*)$`)
	vtyshes = regexp.MustCompile(`timeout 8 vtysh .*: status`)
)

// timeline is the log of a run, with the time since its begin.
func timeline(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	var first time.Time
	for line := range strings.Lines(string(data)) {
		m := logLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, m[1])
		if err != nil {
			continue
		}
		if first.IsZero() {
			first = at
		}
		said := vtyshes.ReplaceAllString(m[3], "vtysh: status")
		fmt.Fprintf(&out, "  %4d ms  %-5s %.110s\n", at.Sub(first).Milliseconds(), m[2], said)
	}
	return out.String()
}

// killedMoves kills a move, as by kill -9, after each of its changes. The VM is
// reachable all the while, and the same command finishes the move.
func (f *fabric) killedMoves(v labVM, from, to string) {
	f.t.Helper()
	for i, change := range []string{"vm add", "vm phase " + v.Name + " migrating", "vm remove"} {
		f.lab("guest", "add", to, v.Name)
		pingers := f.startPings(route{"core1", "", v.IP}, route{"core1", "", v.IP6})
		log := filepath.Join(f.dir, fmt.Sprintf("killed%d.log", i))
		cmd := f.command("ipfabric", "vm", "move", v.Name, "--to", to, "--log-file", log)
		if err := cmd.Start(); err != nil {
			f.t.Fatal(err)
		}
		waitEvery(f.t, time.Millisecond, time.Minute, "the move's log has "+change, func() bool {
			data, _ := os.ReadFile(log) // it is not there at once
			return strings.Contains(string(data), change)
		})
		_ = cmd.Process.Kill()
		if err := cmd.Wait(); err == nil {
			f.t.Errorf("after %q: it was not killed in time", change)
		}
		f.ipfabric(0, "vm", "move", v.Name, "--to", to)
		stopPings(pingers)
		for _, p := range pingers {
			if lost := p.lost(); lost > 2 {
				f.t.Errorf("killed after %q: %s: %d replies were lost, 2 are the most", change, p.what, lost)
			}
		}
		f.announced(v, to)
		if out := f.ipfabric(0, "vm", "list"); strings.Contains(out, "problem") {
			f.t.Errorf("killed after %q:\n%s", change, out)
		}
		f.lab("guest", "remove", from, v.Name)
		from, to = to, from
	}
}

// BenchmarkLabMove moves VMs, each of them and its guests new, while they are
// pinged every 10 ms by the core gateway and by a VM on either node. It prints
// the median of the times, and the most replies that each of the three lost.
func BenchmarkLabMove(b *testing.B) {
	f := newFabric(b, "--rrs", "2", "--nodes", "2", "--cores", "1")
	f.ipfabric(0, "init", "--yes")
	f.report(0, "--wait", "60s")
	f.addVM("near", "node1")
	f.addVM("far", "node2")
	var took []time.Duration
	most := make([]int, 3)
	for i := 0; b.Loop(); i++ {
		v := f.addVM(fmt.Sprintf("m%d", i), "node1")
		f.lab("guest", "add", "node2", v.Name)
		var routes []route
		for _, a := range v.addrs() {
			routes = append(routes, route{"core1", "", a}, route{"node1", "near", a}, route{"node2", "far", a})
		}
		pingers := f.startPings(routes...)
		began := time.Now()
		f.ipfabric(0, "vm", "move", v.Name, "--to", "node2")
		took = append(took, time.Since(began))
		stopPings(pingers)
		for i, p := range pingers {
			lost := p.lost()
			most[i%3] = max(most[i%3], lost)
			if lost > 0 {
				b.Logf("%s: %d lost: %s\n%s", p.what, lost, p.gaps(began), f.evidence(v, "node1", "node2"))
			}
		}
		f.ipfabric(0, "vm", "remove", v.Name, "--yes")
		f.lab("guest", "remove", "node1", v.Name)
		f.lab("guest", "remove", "node2", v.Name)
	}
	b.ReportMetric(milliseconds(median(took)), "move-ms")
	b.ReportMetric(float64(most[0]), "lost-by-core")
	b.ReportMetric(float64(most[1]), "lost-by-near-vm")
	b.ReportMetric(float64(most[2]), "lost-by-far-vm")
}
