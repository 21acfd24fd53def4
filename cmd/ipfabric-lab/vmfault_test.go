//go:build lab

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What befalls a fabric with VMs.
func testVMFaults(t *testing.T, f *fabric) {
	web := f.addVM("web", "node1")
	app := f.addVM("app", "node1", "--link", "existing")
	db := f.addVM("db", "node2")

	t.Run("a guest sends what is not its to send", func(t *testing.T) {
		f := f.in(t)
		const send = `import socket, sys
kind = sys.argv[1]
if kind == "bgp":
    s = socket.socket(); s.settimeout(1)
    try: s.connect(("10.0.0.1", 179)); print("connected")
    except OSError: pass
elif kind == "ra":
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    s.sendto(bytes([134, 0, 0, 0, 64, 0, 7, 8] + [0] * 8), ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
else:
    s = socket.socket(socket.AF_INET6 if ":" in kind else socket.AF_INET, socket.SOCK_DGRAM)
    level, transparent = (socket.IPPROTO_IPV6, 75) if ":" in kind else (socket.SOL_IP, 19)
    s.setsockopt(level, transparent, 1)
    s.bind((kind, 1234)); s.sendto(b"x", (sys.argv[2], 9))
`
		for _, tt := range []struct{ name, args, reason string }{
			{"from a foreign address", "198.51.100.1 " + db.IP, "spoofed"},
			{"from another VM's address", app.IP + " " + db.IP, "spoofed"},
			{"from a foreign IPv6 address", "2001:db8:bad::1 " + db.IP6, "spoofed"},
			{"from another VM's IPv6 address", app.IP6 + " " + db.IP6, "spoofed"},
			{"a router advertisement", "ra", "router_advertisement"},
			{"to the node's BGP", "bgp", "bgp"},
		} {
			before := f.agentStatus("node1").Dropped
			out, _ := f.exec("ipfabric-lab", "ssh", "node1", "ip netns exec web python3 -c '"+send+"' "+tt.args)
			if strings.TrimSpace(out) != "" {
				t.Errorf("%s: %s", tt.name, out)
			}
			after := f.agentStatus("node1").Dropped
			if after.Reasons[tt.reason] == before.Reasons[tt.reason] || after.VMs["web"] == before.VMs["web"] {
				t.Errorf("%s: not counted as %s of web: %+v, before %+v", tt.name, tt.reason, after, before)
			}
		}
		if got := f.agentStatus("node1").Dropped.VMs["app"]; got != 0 {
			t.Errorf("%d packets are said to be app's", got)
		}
		f.reaches("node1", "web", db.IP)
	})

	t.Run("what somebody removes comes back", func(t *testing.T) {
		f := f.in(t)
		for _, tt := range []struct{ name, line string }{
			{"routes", "ip route del " + web.IP + " && ip -6 route del " + web.IP6},
			{"addresses", "ip addr flush dev web_net0"},
			{"the MAC", "ip link set dev web_net0 address 02:00:00:00:00:99"},
			{"up", "ip link set dev web_net0 down"},
			{"rules", "nft flush ruleset"},
			{"all routes", "ip route flush proto 201; ip -6 route flush proto 201"},
			{"the tap", "ip link del web_net0"},
		} {
			f.ssh("node1", tt.line)
			for _, a := range web.addrs() {
				f.reaches("core1", "", a)
			}
			if !strings.Contains(f.ssh("node1", "nft list ruleset"), "table inet ipfabric") {
				t.Errorf("%s: the rules are not back", tt.name)
			}
			wait(t, 10*time.Second, tt.name+": the agent is content", func() bool { return f.agentStatus("node1").Healthy })
		}
		for _, a := range app.addrs() {
			f.reaches("core1", "", a)
		}
	})

	t.Run("a guest that is made anew is taken up", func(t *testing.T) {
		f := f.in(t)
		f.lab("guest", "remove", "node1", "app")
		f.lab("guest", "add", "node1", "app")
		for _, a := range app.addrs() {
			f.reaches("core1", "", a)
		}
	})

	t.Run("the agent is killed, stopped, started", func(t *testing.T) {
		f := f.in(t)
		pingers := f.startPings(route{"core1", "", web.IP}, route{"core1", "", app.IP6}, route{"node2", "db", web.IP6})
		f.ssh("node1", "systemctl kill -s KILL ipfabric-agent")
		f.waitOn("node1", 15*time.Second, "the agent is back", "ipfabric-agent status >/dev/null 2>&1")
		f.ssh("node1", "systemctl stop ipfabric-agent; sleep 2; systemctl start ipfabric-agent; systemctl restart ipfabric-agent")
		stopPings(pingers)
		for _, p := range pingers {
			if lost := p.lost(); lost > 0 {
				t.Errorf("%s: %d replies were lost", p.what, lost)
			}
		}
	})

	t.Run("FRR is restarted", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", "systemctl restart frr")
		began := time.Now()
		for _, v := range []labVM{web, app} {
			f.waitOn("core1", 10*time.Second, "core1 has "+v.Name+" again", routesBy(v, "node1"))
		}
		t.Logf("announced again %.1f s after the restart", time.Since(began).Seconds())
		for _, a := range append(web.addrs(), app.addrs()...) {
			f.reaches("core1", "", a)
		}
	})

	t.Run("the disk is full while a VM is added", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", `set -e; d=/var/lib/ipfabric; systemctl stop ipfabric-agent; cp -a $d /root/kept
mount -t tmpfs -o size=128k,mode=0750 tmpfs $d; cp -a /root/kept/. $d/; systemctl start ipfabric-agent; dd if=/dev/zero of=$d/full 2>/dev/null || true`)
		out := f.ipfabric(1, "vm", "add", "late", "--node", "node2")
		if !strings.Contains(out, "error: node2: VM late is not added") || !strings.Contains(out, "no space left") || !strings.Contains(out, "hint: make room") {
			t.Errorf("it does not say why:\n%s", out)
		}
		if out := f.ipfabric(0, "vm", "list"); strings.Contains(out, "late") || !strings.Contains(out, "db ") {
			t.Errorf("vm list:\n%s", out)
		}
		f.reaches("core1", "", db.IP)
		f.ssh("node2", "rm /var/lib/ipfabric/full")
		f.addVM("late", "node2")
		f.ipfabric(0, "vm", "remove", "late", "--yes")
		f.ssh("node2", "systemctl stop ipfabric-agent; umount /var/lib/ipfabric; systemctl start ipfabric-agent")
		f.reaches("core1", "", db.IP6)
	})

	t.Run("a route reflector's FRR does not run", func(t *testing.T) {
		f := f.in(t)
		f.ssh("rr1", "systemctl stop frr")
		out := f.ipfabric(3, "vm", "list")
		if !strings.Contains(out, "error: rr1: its routes are not known: FRR does not run") || len(out) > 3000 {
			t.Errorf("%d bytes:\n%s", len(out), tail(out))
		}
		f.ipfabric(3, "vm", "move", "web", "--to", "node2")
		f.ssh("rr1", "systemctl start frr")
		f.report(0, "--wait", "60s")
	})

	t.Run("somebody announces a VM's address", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node2", "ip link add bad type veth peer name bad2 && ip link set bad2 up && ip link set bad up && ip route add "+web.IP+"/32 dev bad proto static metric 512")
		wait(t, 10*time.Second, "vm list names node2", func() bool {
			return strings.Contains(f.ipfabric(0, "vm", "list"), "another route to "+web.IP+" by node2, where no VM has that address")
		})
		f.ssh("node2", "ip link del bad")
		f.reaches("core1", "", web.IP)
	})

	t.Run("a VM's file is cut off", func(t *testing.T) {
		f := f.in(t)
		f.ssh("node1", `systemctl stop ipfabric-agent; truncate -s 20 /var/lib/ipfabric/vms.d/app.json; systemctl start ipfabric-agent`)
		if f.agentStatus("node1").Healthy {
			t.Error("the agent says nothing")
		}
		f.reaches("core1", "", web.IP)
		f.reaches("core1", "", app.IP) // as it was, until somebody decides
		if out := f.ipfabric(0, "vm", "list"); !strings.Contains(out, "app on node1: its file cannot be used") {
			t.Errorf("vm list does not name it:\n%s", out)
		}
		if out := f.ipfabric(1, "vm", "add", "app", "--node", "node1"); !strings.Contains(out, "--ip "+app.IP+" --ip6 "+app.IP6) {
			t.Errorf("no hint how to add it again:\n%s", out)
		}
		f.ipfabric(0, "vm", "add", "app", "--node", "node1", "--ip", app.IP, "--ip6", app.IP6, "--link", "existing")
		f.reaches("core1", "", app.IP6)
		if s := f.ssh("node1", "ipfabric-agent vm list"); !strings.Contains(s, "app ") {
			t.Errorf("vm list:\n%s", s)
		}
	})

	// The last: its guests are gone.
	t.Run("a node loses power", func(t *testing.T) {
		f := f.in(t)
		watch := f.command("ipfabric-lab", "ssh", "core1", fmt.Sprintf(
			`echo watching; while %s | grep -q . || %s | grep -q .; do sleep 0.02; done; date +%%s.%%N`, showRoute(db.IP), showRoute(db.IP6)))
		out, err := watch.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := watch.Start(); err != nil {
			t.Fatal(err)
		}
		var first string
		if _, err := fmt.Fscanln(out, &first); err != nil || first != "watching" {
			t.Fatalf("%q, %v", first, err)
		}
		killed := time.Now()
		f.lab("stop", "node2", "--kill")
		kill := time.AfterFunc(30*time.Second, func() { _ = watch.Process.Kill() })
		defer kill.Stop()
		var at float64
		if _, err := fmt.Fscanln(out, &at); err != nil {
			t.Fatalf("core1 still has the routes after 30 s: %v", err)
		}
		_ = watch.Wait()
		took := at - float64(killed.UnixNano())/1e9
		t.Logf("core1 had withdrawn node2's VMs after %.2f s", took)
		if took > 3 {
			t.Errorf("core1 had withdrawn node2's VMs after %.2f s; 3 s are the most", took)
		}
		f.lab("start", "node2")
		f.lab("guest", "add", "node2", "db")
		for _, a := range db.addrs() {
			wait(t, 30*time.Second, "core1 reaches "+a, func() bool { return f.pings("core1", "", a) })
		}
	})
}
