package inventory

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAgentConfigMarshal(t *testing.T) {
	f := mustParse(t, string(Example()))
	const want = `# Written by ipfabric init from the inventory of fabric lab: changes made here are overwritten.
fabric: "lab"
node: "node3"
virtualization: lxd
gateway:
  ipv4: "10.0.0.1"
  ipv6: "fe80::1"
  mac: "02:00:00:00:00:01"
pools:
  - "203.0.113.0/24"
  - "2001:db8:100::/48"
infrastructure:
  - "10.10.0.1"
  - "10.10.0.11"
  - "10.10.0.12"
  - "10.10.0.21"
  - "10.10.0.22"
  - "10.10.0.23"
  - "fd00:10::1"
  - "fd00:10::11"
  - "fd00:10::12"
  - "fd00:10::21"
  - "fd00:10::22"
  - "fd00:10::23"
isolate: false
protect:
  enabled: true
max_prefixes: 5000
`
	if diff := cmp.Diff(want, string(agentConfig(f, f.Nodes[2]).Marshal())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAgentConfigRoundTrip(t *testing.T) {
	inventories := map[string]string{
		"both":      string(Example()),
		"all keys":  minimal + "metrics: \"[::1]:9472\"\nisolate: true\nprotect: {allow: [53/udp, 8000-8010/TCP]}\n",
		"IPv4 only": minimal,
		"IPv6 only": strings.NewReplacer("[203.0.113.0/24]", `["2001:db8:100::/48"]`, "{ipv4: 10.0.0.1}", `{mac: "02:00:00:00:00:02"}`,
			"10.10.0.11]", `10.10.0.11, "fd00::11"]`, "10.10.0.21]", `10.10.0.21, "fd00::21"]`).Replace(minimal),
		"names that YAML reads as others": strings.NewReplacer("fabric: lab", `fabric: "null"`, "name: node1", `name: "1.50"`).Replace(minimal),
	}
	for name, yaml := range inventories {
		t.Run(name, func(t *testing.T) {
			f := mustParse(t, yaml)
			want := agentConfig(f, f.Nodes[0])
			got, err := ParseAgentConfig(want.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, *got, cmpNet); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if !bytes.Equal(want.Marshal(), got.Marshal()) {
				t.Error("the same configuration gives other bytes")
			}
		})
	}
}

func TestParseAgentConfigIsStrict(t *testing.T) {
	f := mustParse(t, minimal)
	good := string(agentConfig(f, f.Nodes[0]).Marshal())
	tests := map[string]struct{ old, new, want string }{
		"unknown key":     {"isolate:", "isolated:", `line 13, column 1: unknown key "isolated"; did you mean isolate?`},
		"inventory's key": {"isolate: false", "as: 65000", `line 13, column 1: unknown key "as"; write one of fabric,`},
		"no pool":         {"  - \"203.0.113.0/24\"\n", "", "the fabric has no pool"},
		"no gateway":      {"  ipv4: \"10.0.0.1\"\n", "", "the VMs have an IPv4 pool and no IPv4 gateway"},
		"no node":         {"node: \"node1\"\n", "", "the node has no name"},
		"no kind":         {"virtualization: kvm\n", "", "virtualization is missing"},
		"no MAC":          {"  mac: \"02:00:00:00:00:01\"\n", "", "gateway.mac is missing"},
		"bad kind":        {"kvm", "xen", `virtualization: "xen" is not known; write kvm or lxd`},
		"bad port":        {"enabled: false", "allow: [53]", `protect.allow: "53" is not a port of TCP or UDP`},
		"no address":      {"\"10.10.0.21\"", "node1.example.net", `infrastructure: "node1.example.net" is not an IP address`},
		"truncated":       {good, good[:strings.Index(good, "mac: ")+8], "not valid YAML"},
		"empty":           {good, "", "the file is empty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, tt.old) {
				t.Fatalf("%q is not in\n%s", tt.old, good)
			}
			_, err := ParseAgentConfig([]byte(strings.Replace(good, tt.old, tt.new, 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func agentConfig(f *Fabric, n Node) AgentConfig {
	return AgentConfig{
		Fabric:         f.Name,
		Node:           n.Name,
		Gateway:        f.Gateway,
		Pools:          f.Pools,
		Infrastructure: f.Infrastructure(),
		Virtualization: n.Virtualization,
		MetricsListen:  f.MetricsListen,
		IsolateVMs:     f.IsolateVMs,
		Protect:        f.Protect,
		MaxPrefixes:    f.BGP.MaxPrefixes,
	}
}
