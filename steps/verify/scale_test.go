package verify

import (
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/inventory/vm"
	"ipfabric/steps/bgp"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/vms"
)

// editAnswer changes what a reflector says.
func (fl *fakeFleet) editAnswer(t *testing.T, rr string, edit func(string) string) {
	t.Helper()
	h, _ := fl.f.Host(rr)
	question := steptest.Line(bgp.ReflectorQuestion(fl.f, h.Host)...)
	text, err := bgp.Unpack(fl.hosts[rr].Answers[question])
	if err != nil {
		t.Fatal(err)
	}
	fl.hosts[rr].Answers[question] = steptest.Pack(t, edit(text))
}

func TestReflectorQuestion(t *testing.T) {
	f := verifyFabric(t, func(s string) string {
		s = strings.Replace(s, `["65000:100"]`, `["65000:100", "65000:7"]`, 1)
		return strings.Replace(s, `addresses: [10.10.0.12, "fd00:10::12"]`, `addresses: [10.10.0.12]`, 1)
	})
	got := bgp.ReflectorQuestion(f, f.RouteReflectors[1].Host)
	const want = "pack.sh timeout 15 vtysh -c show bgp summary json -c show bgp neighbors json" +
		" -c show bgp ipv4 unicast json -c show bgp ipv4 unicast community 65000:100 json -c show bgp ipv4 unicast community 65000:7 json"
	if diff := cmp.Diff(want, steptest.Line(got...)); diff != "" {
		t.Errorf("an IPv4 reflector (-want +got)\n%s", diff)
	}
	if n := len(bgp.ReflectorQuestion(f, f.RouteReflectors[0].Host)); n != len(got)+6 {
		t.Errorf("a reflector with both: %d words", n)
	}
}

// What a shell makes of the question is what is read.
func TestReflectorQuestionInShell(t *testing.T) {
	f := verifyFabric(t, nil)
	argv := bgp.ReflectorQuestion(f, f.RouteReflectors[0].Host)
	argv = slices.Concat(argv[:4], []string{"printf", `%s\n`, "it's", "$HOME"})
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := bgp.Unpack(string(out)); err != nil || text != "it's\n$HOME\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := bgp.Unpack("hello"); err == nil {
		t.Error("what is not packed is not refused")
	}
	if _, err := bgp.Unpack(steptest.Pack(t, strings.Repeat("x", 1000))[:20]); err == nil {
		t.Error("half an answer is not refused")
	}
}

// FRR 7.5.1, which writes tables in another way.
func TestReflectorTablesOf75(t *testing.T) {
	f := verifyFabric(t, nil)
	rr := f.RouteReflectors[0].Host
	peers, tables, err := bgp.ParseReflector(f, rr, steptest.Pack(t, recording(t, "healthy", "node2.vtysh")+recording(t, "healthy", "rr3.routes")))
	if err != nil || tables.Err != nil || len(peers) != 4 {
		t.Fatalf("%d neighbors, %v, %v", len(peers), err, tables.Err)
	}
	tagged := tables.Tagged[f.Communities[0]]
	for node, ends := range map[string][]string{"node1": {"1", "2", "3"}, "node2": {"11", "12"}} {
		for _, end := range ends {
			for _, a := range []netip.Addr{netip.MustParseAddr("203.0.113." + end), netip.MustParseAddr("2001:db8:100::" + end)} {
				if tables.Routes.Best(a) != node || !tagged.From(a, node) {
					t.Errorf("%s: %v, %v", a, tables.Routes[a], tagged[a])
				}
			}
		}
	}
	if len(tables.Routes) != 10 || len(tagged) != 10 {
		t.Errorf("%d routes, %d with the community", len(tables.Routes), len(tagged))
	}
}

// bigFleet has so many VMs on two nodes, and what a reflector answers of them.
func bigFleet(t testing.TB, f *inventory.Fabric, all int) (sights []*sight, answer string) {
	t.Helper()
	const path = `{"valid":true,%s"pathFrom":"internal","prefix":"%[2]s","prefixLen":32,"network":"%[2]s","version":1,"metric":0,"locPrf":100,"weight":0,` +
		`"peerId":"10.10.0.12","path":"","origin":"incomplete","nexthops":[{"ip":"%[3]s","hostname":"vm","afi":"ipv4","used":true}]}`
	list := map[string][]vms.VM{}
	var tables [2][]string
	v4, v6 := f.Pools4()[0].Addr(), f.Pools6()[0].Addr()
	for i := range all {
		v4, v6 = v4.Next(), v6.Next()
		n := f.Nodes[i%2]
		list[n.Name] = append(list[n.Name], vms.VM{Node: n.Name, Observed: vm.Observed{
			VM:      vm.VM{Name: fmt.Sprintf("vm%d", i), IPv4: v4, IPv6: v6, Phase: vms.PhaseLive, Source: vms.SourceAPI},
			Present: true, Carrier: true, Routes: 2, Announced: true}})
		for k, a := range []netip.Addr{v4, v6} {
			hop := []netip.Addr{n.IPv4, n.IPv6}[k]
			tables[k] = append(tables[k], fmt.Sprintf("%q: [%s,%s]\n", bgp.SinglePrefix(a), fmt.Sprintf(path, "", a, hop), fmt.Sprintf(path, `"bestpath":true,`, a, hop)))
		}
	}
	text := recording(t, "healthy", "rr1.vtysh")
	for _, table := range tables {
		doc := "{\n \"vrfId\": 0,\n \"routes\": { " + strings.Join(table, ",") + " } }\n"
		text += doc + doc // all of them have the community
	}
	sights = newSights(f)
	for _, s := range sights {
		s.node.VMs, s.node.Status.Protocol, s.node.Status.Healthy = list[s.host.Name], vm.Protocol, true
	}
	return sights, steptest.Pack(t, text)
}

// lookAtMany is what verify does with the answers of two reflectors.
func lookAtMany(f *inventory.Fabric, sights []*sight, answer string) []VMCheck {
	for _, s := range sights {
		if s.host.Role == inventory.RoleRouteReflector {
			_, s.view.Tables, _ = bgp.ParseReflector(f, s.host.Host, answer)
		}
	}
	o := observation(f, sights)
	return vmChecks(o, vms.Judge(o))
}

func wideFabric(t testing.TB) *inventory.Fabric {
	return verifyFabric(t, func(s string) string { return strings.Replace(s, "203.0.113.0/24", "100.64.0.0/16", 1) })
}

func TestVerifyManyVMs(t *testing.T) {
	f := wideFabric(t)
	sights, answer := bigFleet(t, f, 1000)
	vms := lookAtMany(f, sights, answer)
	for _, v := range vms {
		if v.Status != OK {
			t.Fatalf("%+v", v)
		}
	}
	if len(vms) != 1000 {
		t.Errorf("%d VMs", len(vms))
	}
}

// 10,000 VMs, dual stack, on two reflectors.
func BenchmarkVerifyVMs(b *testing.B) {
	f := wideFabric(b)
	sights, answer := bigFleet(b, f, 10_000)
	for b.Loop() {
		lookAtMany(f, sights, answer)
	}
}
