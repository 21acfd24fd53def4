package inventory

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// minimal has everything that is required, and draws warnings.
const minimal = `fabric: lab
as: 65000
communities: ["65000:100"]
gateway: {ipv4: 10.0.0.1}
pools: [203.0.113.0/24]
route_reflectors:
  - {name: rr1, addresses: [10.10.0.11]}
nodes:
  - {name: node1, addresses: [10.10.0.21], virtualization: kvm}
`

var cmpNet = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func mustParse(t testing.TB, yaml string) *Fabric {
	t.Helper()
	f, _, err := Parse("/etc/fab/fabric.yaml", []byte(yaml))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, yaml)
	}
	return f
}

func TestDefaults(t *testing.T) {
	got := mustParse(t, minimal)
	addr := netip.MustParseAddr
	frr := FRR{Source: "distribution"}
	want := &Fabric{
		File:        "/etc/fab/fabric.yaml",
		Name:        "lab",
		AS:          65000,
		Communities: []Community{{65000, 100}},
		Gateway:     VMGateway{IPv4: addr("10.0.0.1"), MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}},
		Pools:       []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
		RouteReflectors: []RouteReflector{{
			Host:      Host{Name: "rr1", IPv4: addr("10.10.0.11"), RouterID: addr("10.10.0.11"), SSH: SSH{Address: "10.10.0.11", Sudo: true}, FRR: frr},
			Managed:   true,
			ClusterID: addr("10.10.0.11"),
		}},
		Nodes: []Node{{
			Host:           Host{Name: "node1", IPv4: addr("10.10.0.21"), RouterID: addr("10.10.0.21"), SSH: SSH{Address: "10.10.0.21", Sudo: true}, FRR: frr},
			Virtualization: "kvm",
		}},
		BGP: BGP{
			Keepalive: 10 * time.Second, HoldTime: 30 * time.Second, ConnectRetry: 5 * time.Second,
			BFD:         BFD{Enabled: true, Interval: 300 * time.Millisecond, Multiplier: 3},
			MaxPrefixes: 5000, CoreMaxPrefixes: 20000,
		},
	}
	if diff := cmp.Diff(want, got, cmpNet, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEverythingSaid(t *testing.T) {
	t.Setenv("HOME", "/home/ops")
	f := mustParse(t, `
fabric: dc-1.example_net
as: 1.10
communities: [65000:100, "65000:200"]
gateway: {ipv4: 169.254.0.1, ipv6: fe80::2, mac: 0A-00-00-00-00-01}
pools: [203.0.113.0/24, 198.51.100.7/32, 2001:db8:100::/48]
vxlan: yes
isolate: true
protect: {allow: [53/udp, 8000-8010/tcp]}
metrics: 127.0.0.1:9472
bgp:
  password: {file: secrets/bgp}
  keepalive: 1m
  hold_time: 3m
  connect_retry: 10s
  bfd: false
  max_prefixes: 10
  core_max_prefixes: 100
ssh: {user: ops, port: 2200, keys: [~/.ssh/fab, keys/fab, /abs/key], jump: ["j@bastion:2222", "[fd00::1]:22", fd00::2, "j@192.0.2.1:2222", 192.0.2.2], sudo: false, known_hosts: ../known_hosts}
frr: {source: preinstalled, series: "", extra: "log syslog"}
route_reflectors:
  - {name: rr1, addresses: [fd00:10::11, 10.10.0.11], router_id: 1.1.1.1, cluster_id: 2.2.2.2}
  - {name: rr2, addresses: [10.10.0.12, fd00:10::12], managed: false}
core_gateways:
  - {name: mx1, vendor: junos, addresses: [10.10.0.1, fd00:10::1], looking_glass: bird, ssh: {address: mx1.example.net}}
nodes:
  - name: node1
    addresses: [10.10.0.21, fd00:10::21]
    virtualization: lxd
    os: el9
    ssh: {address: 127.0.0.1, user: root, port: 2201, keys: [], jump: [], sudo: yes}
    frr:
      source: distribution
      extra: |
        ip prefix-list X seq 5 permit any

`)
	check := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got, cmpNet, cmp.AllowUnexported(Secret{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", what, diff)
		}
	}
	addr := netip.MustParseAddr
	check("as", f.AS, ASN(65546))
	check("communities", f.Communities, []Community{{65000, 100}, {65000, 200}})
	check("gateway", f.Gateway, VMGateway{IPv4: addr("169.254.0.1"), IPv6: addr("fe80::2"), MAC: net.HardwareAddr{10, 0, 0, 0, 0, 1}})
	check("flags", []bool{f.VXLAN, f.IsolateVMs, f.HasIPv4(), f.HasIPv6()}, []bool{true, true, true, true})
	check("protect", f.Protect, Protect{Enabled: true, Allow: []Ports{{"udp", 53, 53}, {"tcp", 8000, 8010}}})
	check("pools", []int{len(f.Pools4()), len(f.Pools6())}, []int{2, 1})
	check("bgp", f.BGP, BGP{
		Password: Secret{File: "/etc/fab/secrets/bgp"}, Keepalive: time.Minute, HoldTime: 3 * time.Minute, ConnectRetry: 10 * time.Second,
		BFD: BFD{Interval: 300 * time.Millisecond, Multiplier: 3}, MaxPrefixes: 10, CoreMaxPrefixes: 100,
	})
	check("known_hosts", f.KnownHosts, "/etc/known_hosts")
	defaults := SSH{
		Address: "10.10.0.11", User: "ops", Port: 2200,
		Keys: []string{"/home/ops/.ssh/fab", "/etc/fab/keys/fab", "/abs/key"},
		Jump: []string{"j@bastion:2222", "[fd00::1]:22", "fd00::2", "j@192.0.2.1:2222", "192.0.2.2"},
	}
	rr := f.RouteReflectors[0]
	check("rr1's ssh", rr.SSH, defaults)
	check("rr1's IDs", []netip.Addr{rr.IPv4, rr.IPv6, rr.RouterID, rr.ClusterID}, []netip.Addr{addr("10.10.0.11"), addr("fd00:10::11"), addr("1.1.1.1"), addr("2.2.2.2")})
	check("rr1's frr", rr.FRR, FRR{Source: "preinstalled", Extra: "log syslog\n"})
	check("rr2", f.RouteReflectors[1].Managed, false)
	check("mx1", []string{f.CoreGateways[0].Vendor, f.CoreGateways[0].LookingGlass, f.CoreGateways[0].SSH.Address, f.CoreGateways[0].SSH.User}, []string{"junos", "bird", "mx1.example.net", "ops"})
	node := f.Nodes[0]
	check("node1's ssh", node.SSH, SSH{Address: "127.0.0.1", User: "root", Port: 2201, Sudo: true})
	check("node1's frr", node.FRR, FRR{Source: "distribution", Extra: "log syslog\nip prefix-list X seq 5 permit any\n"})
	check("node1", []string{node.OS, node.Virtualization}, []string{"el9", "lxd"})
}

func TestHosts(t *testing.T) {
	f := mustParse(t, string(Example()))
	var got []string
	for _, h := range f.Hosts() {
		got = append(got, h.Name+" "+h.Role)
	}
	want := []string{"rr1 route-reflector", "rr2 route-reflector", "mx1 core-gateway", "node1 node", "node2 node", "node3 node"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if h, ok := f.Host("mx1"); !ok || h.IPv4.String() != "10.10.0.1" || h.Role != RoleCoreGateway {
		t.Errorf("mx1 is %v, %t", h, ok)
	}
	if _, ok := f.Host("MX1"); ok {
		t.Error("MX1 is there")
	}
}

// Editors on other systems save a byte order mark and CRLF.
func TestOtherLineEnds(t *testing.T) {
	f := mustParse(t, "\ufeff"+strings.ReplaceAll(minimal, "\n", "\r\n"))
	if len(f.Nodes) != 1 || f.Nodes[0].Name != "node1" || f.Name != "lab" {
		t.Errorf("got nodes %v, name %q", f.Nodes, f.Name)
	}
}

func TestHomeFolderUnknown(t *testing.T) {
	t.Setenv("HOME", "")
	_, _, err := Parse("fabric.yaml", []byte(minimal+"ssh: {keys: [~/.ssh/id]}\n"))
	const want = `fabric.yaml:10:14: ssh.keys: "~/.ssh/id": your home folder is not known; write the path in full, or set HOME`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRelativePathsStartAtTheFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	f, _, err := Parse("sub/fabric.yaml", []byte(minimal+"ssh: {keys: [id]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := filepath.EvalSymlinks(filepath.Dir(filepath.Dir(f.Nodes[0].SSH.Keys[0]))); err != nil || got != real {
		t.Errorf("got %s, want it under %s (%v)", f.Nodes[0].SSH.Keys[0], real, err)
	}
}

// Core gateways are only asked, by a user who may do no more; the others need root.
func TestSudoByRole(t *testing.T) {
	for ssh, want := range map[string][]bool{
		"{user: ops}":              {true, false, true},
		"{user: ops, sudo: true}":  {true, true, true},
		"{user: ops, sudo: false}": {false, false, false},
	} {
		f := mustParse(t, minimal+"ssh: "+ssh+"\ncore_gateways: [{name: mx1, vendor: junos, addresses: [10.10.0.1]}]\n")
		var got []bool
		for _, h := range f.Hosts() {
			got = append(got, h.SSH.Sudo)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ssh: %s (-want +got)\n%s", ssh, diff)
		}
	}
}

// An inventory without the key leaves VMs what they reach now.
func TestHowProtectIsWritten(t *testing.T) {
	for text, want := range map[string]bool{
		"":                             false,
		"protect: true\n":              true,
		"protect: no\n":                false,
		"protect:\n":                   false,
		"protect: {}\n":                false,
		"protect: {enabled: true}\n":   true,
		"protect: {allow: [53/udp]}\n": true,
		"protect: {allow: []}\n":       true,
		"protect:\n  enabled: false\n": false,
	} {
		if got := mustParse(t, minimal+text).Protect.Enabled; got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
