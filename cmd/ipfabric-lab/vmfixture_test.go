//go:build lab

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// A labVM is a VM as `ipfabric vm add --json` has it.
type labVM struct {
	Name, Node, IP, IP6, Interface string
}

func (v labVM) addrs() []string { return []string{v.IP, v.IP6} }

// addVM adds a VM and its guest.
func (f *fabric) addVM(name, node string, flags ...string) labVM {
	f.t.Helper()
	cmd := f.command("ipfabric", append([]string{"vm", "add", name, "--node", node, "--json"}, flags...)...)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		f.t.Fatalf("vm add %s: %v\n%s", name, err, errout.String())
	}
	var v labVM
	if err := json.Unmarshal(out, &v); err != nil || v.IP == "" || v.IP6 == "" {
		f.t.Fatalf("vm add %s --json: %v\n%s", name, err, out)
	}
	f.lab("guest", "add", node, name)
	f.announced(v, node)
	return v
}

// announced waits until the core gateway's kernel has a VM's routes by a node.
func (f *fabric) announced(v labVM, node string) {
	f.t.Helper()
	f.waitOn("core1", 15*time.Second, "core1 has the routes to "+v.Name+" by "+node, routesBy(v, node))
}

// withdrawn waits until it has none any more.
func (f *fabric) withdrawn(v labVM) {
	f.t.Helper()
	f.waitOn("core1", 10*time.Second, "core1 has no route to "+v.Name, routesBy(v, ""))
}

// routesBy is a shell line that says on the core gateway whether both routes of
// a VM are by this node; "" is that there is none.
func routesBy(v labVM, node string) string {
	return fmt.Sprintf(`[ "$(%s)" = "%s" ] && [ "$(%s)" = "%[2]s" ]`, routeBy(v.IP), node, routeBy(v.IP6))
}

// coreRoute names the machine that the core gateway's kernel sends packets for
// an address to; "" if it has no route.
func (f *fabric) coreRoute(addr string) string {
	f.t.Helper()
	return strings.TrimSpace(f.ssh("core1", routeBy(addr)))
}

func routeBy(addr string) string {
	return fmt.Sprintf(`via=$(%s | sed -n 's/.* via \([^ ]*\) .*/\1/p'); [ -z "$via" ] || awk -v a="$via" '$1 == a { print $2 }' /etc/hosts`, showRoute(addr))
}

// showRoute is the command that prints the route BIRD has made to one address.
func showRoute(addr string) string {
	family := "-4"
	if strings.Contains(addr, ":") {
		family = "-6"
	}
	return "ip " + family + " route show proto bird exact " + prefixOf(addr)
}

func prefixOf(addr string) string {
	if strings.Contains(addr, ":") {
		return addr + "/128"
	}
	return addr + "/32"
}

// pings says whether a ping gets through from a machine, or from the guest of
// a VM on it.
func (f *fabric) pings(machine, guest, addr string) bool {
	f.t.Helper()
	line := "ping -n -q -c 5 -i 0.2 -W 2 " + addr
	if guest != "" {
		line = "ip netns exec " + guest + " " + line
	}
	out, _ := f.exec("ipfabric-lab", "ssh", machine, line)
	return strings.Contains(out, " 5 received")
}

// reaches asserts that pings get through, within some seconds.
func (f *fabric) reaches(machine, guest, addr string) {
	f.t.Helper()
	wait(f.t, 10*time.Second, fmt.Sprintf("%s %s reaches %s", machine, guest, addr), func() bool {
		return f.pings(machine, guest, addr)
	})
}

// served asserts that a VM is announced by its node, and that the core gateway
// and a guest on another node reach it.
func (f *fabric) served(v labVM, guest, at string) {
	f.t.Helper()
	f.announced(v, v.Node)
	for _, a := range v.addrs() {
		f.reaches("core1", "", a)
		f.reaches(at, guest, a)
	}
}

// agentStatus is the part of `ipfabric-agent status --json` that is looked at.
type agentStatus struct {
	Healthy bool
	Dropped struct {
		Reasons map[string]int
		VMs     map[string]int
	} `json:"dropped_packets"`
}

func (f *fabric) agentStatus(node string) agentStatus {
	f.t.Helper()
	var s agentStatus
	out := f.ssh(node, "ipfabric-agent status --json")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		f.t.Fatalf("%s: %v\n%s", node, err, out)
	}
	return s
}
