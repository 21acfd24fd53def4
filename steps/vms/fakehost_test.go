package vms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/agent"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// A fleetHost is one machine of a fleet.
type fleetHost struct {
	*fleet
	name string
}

func (h *fleetHost) Close() error { return nil }
func (h *fleetHost) ReadFile(context.Context, string) ([]byte, error) {
	return nil, fs.ErrNotExist
}
func (h *fleetHost) WriteFile(context.Context, string, []byte, fs.FileMode) error {
	return errors.New("nothing is to be written")
}

func (h *fleetHost) Query(ctx context.Context, argv ...string) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	argv, err := withoutProtocol(argv)
	if err != nil {
		return "", err
	}
	line := strings.Join(argv, " ")
	switch {
	case line == agent.Path+" vm list --json":
		out := []VM{}
		for name := range h.agents[h.name] {
			out = append(out, h.view(name))
		}
		slices.SortFunc(out, func(a, b VM) int { return strings.Compare(a.Name, b.Name) })
		data, err := json.Marshal(out)
		return string(data), err
	case len(argv) == 5 && argv[2] == "show":
		if h.agents[h.name][argv[3]] == nil {
			return "", steptest.Status(1)
		}
		data, err := json.Marshal(h.view(argv[3]))
		return string(data), err
	case line == agent.Path+" status --json":
		status := agent.Status{Status: vm.Status{Build: vm.Build{Protocol: vm.Protocol}, Problems: h.problems[h.name], Warnings: []string{}}}
		status.Healthy = len(status.Problems) == 0
		if why := h.frr[h.name]; why != nil {
			status.FRR.Error = "bgpd is not running"
		}
		data, err := json.Marshal(status)
		return string(data), err
	case argv[0] == "true":
		return "", nil
	case argv[0] == "timeout":
		return h.vtysh(argv[3:])
	case argv[0] == "sh" && argv[3] == "routes-to.sh":
		if h.passesOn > 0 {
			h.passesOn--
			return "203.0.113.1 via 10.10.0.21 dev host0 src 10.10.0.22 uid 0 \\    cache", nil
		}
		return "203.0.113.1 dev web_net0 src 10.10.0.22 uid 0 \\    cache", nil
	case argv[0] == "sh" && argv[3] == "pack.sh":
		out, err := h.vtysh(argv[7:])
		if status := step.ExitStatus(err); status > 0 && !step.TimedOut(err) {
			return steptest.PackFailed(h.t, out, status), nil // what it said on standard error is lost
		}
		return steptest.Pack(h.t, out), err
	}
	return "", fmt.Errorf("unknown command %q", argv)
}

// withoutProtocol takes the protocol off a command of the agent: each one has it.
func withoutProtocol(argv []string) ([]string, error) {
	rest, ok := strings.CutSuffix(strings.Join(argv, " "), fmt.Sprintf(" --protocol %d", vm.Protocol))
	if wants := argv[0] == agent.Path && argv[1] == "vm"; wants != ok {
		return nil, fmt.Errorf("%q: the agent is told the protocol for VMs, and always", argv)
	}
	if !ok {
		return argv, nil
	}
	return strings.Fields(rest), nil
}

func (h *fleetHost) view(name string) VM {
	v := *h.agents[h.name][name]
	v.Carrier = h.guests[h.name+" "+name]
	v.Present = v.Phase != PhaseOff && v.Link == "tap" || v.Carrier
	if v.Present && (v.Phase == PhaseLive || v.Phase == PhaseMigrating) {
		v.Routes, v.Announced = len(v.Addrs()), true
	}
	return v
}

// vtysh answers "-c show bgp ipv4 unicast A/32 json" as FRR 8.4.4 does, and tables
// of all routes, which have all communities.
func (h *fleetHost) vtysh(args []string) (string, error) {
	if why := h.frr[h.name]; why != nil {
		return "", why
	}
	out := ""
	for i := 1; i < len(args); i += 2 {
		if args[i] == "show bgp summary json" || args[i] == "show bgp neighbors json" {
			out += "{}\n"
			continue
		}
		if strings.HasSuffix(args[i], " unicast json") || strings.Contains(args[i], " community ") {
			out += h.table(strings.Contains(args[i], "ipv6"))
			continue
		}
		p, err := netip.ParsePrefix(strings.Fields(args[i])[4])
		if err != nil {
			return "", fmt.Errorf("unknown command %q", args)
		}
		var paths []map[string]any
		best := -1
		for _, n := range h.fabric.Nodes {
			for _, v := range h.agents[n.Name] {
				if !h.announces(n.Name, v) || !slices.Contains(v.Addrs(), p.Addr()) {
					continue
				}
				if v.Phase == PhaseMigrating || best < 0 {
					best = len(paths)
				}
				paths = append(paths, fakePath(n, p.Addr()))
			}
			if h.stranger[p.Addr().String()] == n.Name {
				best = len(paths)
				paths = append(paths, fakePath(n, p.Addr()))
			}
		}
		if len(paths) == 0 {
			out += "{\n}\n"
			continue
		}
		paths[best]["bestpath"] = map[string]any{"overall": true}
		data, err := json.MarshalIndent(map[string]any{"prefix": p.String(), "paths": paths}, "", "  ")
		if err != nil {
			return "", err
		}
		out += string(data) + "\n"
	}
	return out, nil
}

// table is all routes of a family.
func (h *fleetHost) table(is6 bool) string {
	routes := map[string][]map[string]any{}
	add := func(n inventory.Node, a netip.Addr, best bool) {
		if a.Is6() != is6 {
			return
		}
		p := bgp.SinglePrefix(a).String()
		path := fakePath(n, a)
		if best || len(routes[p]) == 0 {
			for _, other := range routes[p] {
				delete(other, "bestpath")
			}
			path["bestpath"] = true
		}
		routes[p] = append(routes[p], path)
	}
	for _, n := range h.fabric.Nodes {
		for _, v := range h.agents[n.Name] {
			for _, a := range v.Addrs() {
				if h.announces(n.Name, v) {
					add(n, a, v.Phase == PhaseMigrating)
				}
			}
		}
	}
	for _, n := range h.fabric.Nodes {
		for a, node := range h.stranger {
			if node == n.Name {
				add(n, netip.MustParseAddr(a), true)
			}
		}
	}
	data, err := json.Marshal(map[string]any{"routes": routes})
	if err != nil {
		h.t.Error(err)
	}
	return string(data) + "\n"
}

func fakePath(n inventory.Node, a netip.Addr) map[string]any {
	hop := n.IPv4
	if a.Is6() {
		hop = n.IPv6
	}
	return map[string]any{"valid": true, "nexthops": []any{map[string]any{"ip": hop.String()}}}
}

func (h *fleetHost) Run(ctx context.Context, argv ...string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	argv, err := withoutProtocol(argv)
	if err != nil {
		return err
	}
	change := h.name + ": " + strings.Join(argv[2:], " ")
	n := len(h.changes)
	if h.before != nil {
		if err := h.before(n, change); err != nil {
			return err
		}
	}
	if err := h.change(argv[1:]); err != nil {
		return err
	}
	h.changes = append(h.changes, change)
	if h.after != nil {
		return h.after(n, change)
	}
	return nil
}

func (h *fleetHost) change(args []string) error {
	vms := h.agents[h.name]
	name := args[2]
	switch args[1] {
	case "add":
		v := newVM(name, PhaseLive)
		for i := 3; i+1 < len(args); i++ {
			switch args[i] {
			case "--ip":
				v.IPv4 = netip.MustParseAddr(args[i+1])
			case "--ip6":
				v.IPv6 = netip.MustParseAddr(args[i+1])
			case "--phase":
				v.Phase = vm.Phase(args[i+1])
			case "--mac":
				_ = v.MAC.UnmarshalText([]byte(args[i+1]))
			}
		}
		if vms[name] == nil || vms[name].FileError != "" {
			vms[name] = v
		}
	case "phase":
		if vms[name] == nil {
			return steptest.Status(1)
		}
		vms[name].Phase = vm.Phase(args[3])
	case "remove":
		delete(vms, name)
	default:
		return fmt.Errorf("unknown command %q", args)
	}
	return nil
}
