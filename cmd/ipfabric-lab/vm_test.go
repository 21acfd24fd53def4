//go:build lab

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func testVMs(t *testing.T, f *fabric) {
	web := f.addVM("web", "node1")                       // behind the agent's tap
	app := f.addVM("app", "node1", "--link", "existing") // behind a veth
	db := f.addVM("db", "node2", "--link", "existing")

	t.Run("core and VMs reach each other", func(t *testing.T) {
		f := f.in(t)
		core := []string{address(f, "core1"), strings.TrimSpace(f.ssh("core1", "ip -6 -o address show dev host0 scope global | awk '{print $4}' | cut -d/ -f1"))}
		var pairs sync.WaitGroup
		reaches := func(machine, guest string, addrs ...string) {
			for _, a := range addrs {
				pairs.Add(1)
				go func() {
					defer pairs.Done()
					if !f.pings(machine, guest, a) {
						t.Errorf("%s %s does not reach %s", machine, guest, a)
					}
				}()
			}
		}
		for _, v := range []labVM{web, app, db} {
			reaches("core1", "", v.addrs()...)
			reaches(v.Node, v.Name, core...)
			reaches(v.Node, v.Name, "10.0.0.1", "fe80::1%eth0")
			pairs.Wait()
		}
		reaches("node1", "web", app.addrs()...) // on the same node
		reaches("node1", "app", web.addrs()...)
		pairs.Wait()
		reaches("node1", "web", db.addrs()...) // on another
		reaches("node1", "app", db.addrs()...)
		pairs.Wait()
		reaches("node2", "db", web.addrs()...)
		reaches("node2", "db", app.addrs()...)
		pairs.Wait()
	})

	t.Run("routes carry the fabric's community", func(t *testing.T) {
		f := f.in(t)
		for _, rr := range []string{"rr1", "rr2"} {
			for _, a := range web.addrs() {
				family := "ipv4"
				if strings.Contains(a, ":") {
					family = "ipv6"
				}
				out := f.ssh(rr, fmt.Sprintf("vtysh -c 'show bgp %s unicast %s'", family, prefixOf(a)))
				if !strings.Contains(out, "Community: 65000:100") || !strings.Contains(out, "localpref 100") {
					t.Errorf("%s:\n%s", rr, out)
				}
			}
		}
	})

	t.Run("list and show know them", func(t *testing.T) {
		f := f.in(t)
		out := f.ipfabric(0, "vm", "list")
		for _, v := range []labVM{web, app, db} {
			line := ""
			for l := range strings.Lines(out) {
				if strings.HasPrefix(l, v.Name+" ") {
					line = strings.Join(strings.Fields(l), " ")
				}
			}
			if want := fmt.Sprintf("%s %s %s %s %s announced yes yes", v.Name, v.Node, v.IP, v.IP6, v.Interface); line != want {
				t.Errorf("vm list has %q, want %q", line, want)
			}
		}
	})

	t.Run("the shell completes their names", func(t *testing.T) {
		f := f.in(t)
		if out := f.ipfabric(0, "__complete", "vm", "move", ""); !strings.HasPrefix(out, "app\ndb\nweb\n") {
			t.Errorf("got %s", out)
		}
	})

	t.Run("two at once do not get the same address", func(t *testing.T) {
		f := f.in(t)
		var both sync.WaitGroup
		got := make([]labVM, 2)
		for i, node := range []string{"node1", "node2"} {
			both.Add(1)
			go func() { defer both.Done(); got[i] = f.addVM(fmt.Sprintf("twin%d", i), node) }()
		}
		both.Wait()
		if got[0].IP == got[1].IP || got[0].IP6 == got[1].IP6 {
			t.Errorf("%+v", got)
		}
	})

	t.Run("one name is one VM", func(t *testing.T) {
		f := f.in(t)
		var both sync.WaitGroup
		outs, codes := make([]string, 2), make([]int, 2)
		for i, node := range []string{"node1", "node2"} {
			both.Add(1)
			go func() {
				defer both.Done()
				outs[i], codes[i] = f.exec("ipfabric", "vm", "add", "solo", "--node", node)
			}()
		}
		both.Wait()
		if codes[0]+codes[1] != 1 || codes[0]*codes[1] != 0 {
			t.Errorf("one should be refused: %v\n%s\n%s", codes, outs[0], outs[1])
		}
		if refused := outs[codes[1]]; !strings.Contains(refused, "solo") || !strings.Contains(refused, "hint") {
			t.Errorf("it does not say why:\n%s", refused)
		}
		f.ipfabric(0, "vm", "remove", "solo", "--yes")
	})

	t.Run("what is removed is withdrawn", func(t *testing.T) {
		f := f.in(t)
		f.ipfabric(0, "vm", "remove", "app", "--yes")
		for _, a := range app.addrs() {
			if by := f.coreRoute(a); by != "" {
				t.Errorf("core1 has %s by %s", a, by)
			}
		}
		if f.pings("core1", "", app.IP) || f.pings("node1", "web", app.IP6) {
			t.Error("it is still reachable")
		}
		f.lab("guest", "remove", "node1", "app")
		if out := f.lab("guest", "list"); strings.Contains(out, "app ") {
			t.Errorf("guest list:\n%s", out)
		}
	})
}

// How long a move takes, and what it loses.
func testMoves(t *testing.T, f *fabric) {
	web := f.addVM("web", "node1")
	app := f.addVM("app", "node1", "--link", "existing")
	db := f.addVM("db", "node2", "--link", "existing")
	for _, v := range []labVM{web, app, db} {
		for _, a := range v.addrs() {
			f.reaches("core1", "", a)
		}
	}

	t.Run("a move loses next to nothing", func(t *testing.T) {
		f := f.in(t)
		took := []time.Duration{
			f.move(web, "node1", "node2", "app"),
			f.move(web, "node2", "node1", "db"), // and back
			f.move(db, "node2", "node1"),
			f.move(db, "node1", "node2", "app"),
		}
		// Others may use this host, too: what counts is that it can be done.
		if best := slices.Min(took); best > time.Second {
			t.Errorf("the fastest move took %s, 1 s is the most", best)
		}
	})

	t.Run("a move that is killed is finished by the next", func(t *testing.T) {
		f := f.in(t)
		f.killedMoves(web, "node1", "node2")
	})
}
