package steps

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
)

// pack is what a reflector's answer is like on its way.
func pack(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// editAnswer changes what a reflector says.
func (fl *fakeFleet) editAnswer(t *testing.T, rr string, edit func(string) string) {
	t.Helper()
	h, _ := fl.f.Host(rr)
	question := strings.Join(reflectorQuestion(fl.f, h.Host), " ")
	text, err := unpack(fl.hosts[rr].answers[question])
	if err != nil {
		t.Fatal(err)
	}
	fl.hosts[rr].answers[question] = pack(t, edit(text))
}

func TestReflectorQuestion(t *testing.T) {
	f := verifyFabric(t, func(s string) string {
		s = strings.Replace(s, `["65000:100"]`, `["65000:100", "65000:7"]`, 1)
		return strings.Replace(s, `addresses: [10.10.0.12, "fd00:10::12"]`, `addresses: [10.10.0.12]`, 1)
	})
	got := reflectorQuestion(f, f.RouteReflectors[1].Host)
	want := []string{"sh", "-c", `"$@" | gzip -1 | base64`, "sh", "vtysh", "-c", "show bgp summary json", "-c", "show bgp neighbors json",
		"-c", "show bgp ipv4 unicast json", "-c", "show bgp ipv4 unicast community 65000:100 json", "-c", "show bgp ipv4 unicast community 65000:7 json"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an IPv4 reflector (-want +got)\n%s", diff)
	}
	if n := len(reflectorQuestion(f, f.RouteReflectors[0].Host)); n != len(want)+6 {
		t.Errorf("a reflector with both: %d words", n)
	}
}

// What a shell makes of the question is what is read.
func TestReflectorQuestionInShell(t *testing.T) {
	f := verifyFabric(t, nil)
	argv := reflectorQuestion(f, f.RouteReflectors[0].Host)
	argv = slices.Concat(argv[:4], []string{"printf", `%s\n`, "it's", "$HOME"})
	out, err := exec.CommandContext(t.Context(), argv[0], argv[1:]...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := unpack(string(out)); err != nil || text != "it's\n$HOME\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := unpack("hello"); err == nil {
		t.Error("what is not packed is not refused")
	}
	if _, err := unpack(pack(t, strings.Repeat("x", 1000))[:20]); err == nil {
		t.Error("half an answer is not refused")
	}
}

// FRR 7.5.1, which writes tables in another way.
func TestReflectorTablesOf75(t *testing.T) {
	f := verifyFabric(t, nil)
	rr := f.RouteReflectors[0].Host
	peers, tables, err := parseReflector(f, rr, pack(t, recording(t, "healthy", "node2.vtysh")+recording(t, "healthy", "rr3.routes")))
	if err != nil || tables.err != nil || len(peers) != 4 {
		t.Fatalf("%d neighbors, %v, %v", len(peers), err, tables.err)
	}
	tagged := tables.tagged[f.Communities[0]]
	for node, hosts := range map[string][]int{"node1": {1, 2, 3}, "node2": {11, 12}} {
		for _, n := range hosts {
			for _, a := range (VM{IPv4: f.Pools4()[0].Addr(), IPv6: f.Pools6()[0].Addr()}).Addrs() {
				for range n {
					a = a.Next()
				}
				if n > 10 && a.Is6() {
					for range 6 { // ::11 is 17
						a = a.Next()
					}
				}
				if tables.routes.best(a) != node || !tagged.from(a, node) {
					t.Errorf("%s: %v, %v", a, tables.routes[a], tagged[a])
				}
			}
		}
	}
	if len(tables.routes) != 10 || len(tagged) != 10 {
		t.Errorf("%d routes, %d with the community", len(tables.routes), len(tagged))
	}
}

// bigFleet has so many VMs on two nodes.
func bigFleet(b testing.TB, f *inventory.Fabric, vms int) (sights []*sight, answer string) {
	b.Helper()
	var list [2][]VM
	var tables [2]strings.Builder
	v4, v6 := f.Pools4()[0].Addr(), f.Pools6()[0].Addr()
	for i := range vms {
		v4, v6 = v4.Next(), v6.Next()
		n := f.Nodes[i%2]
		list[i%2] = append(list[i%2], VM{Node: n.Name, Name: fmt.Sprintf("vm%d", i), IPv4: v4, IPv6: v6, Phase: "live", Source: "api",
			Present: true, Carrier: true, Routes: 2, Announced: true})
		hops := []string{n.IPv4.String(), n.IPv6.String()}
		for k, a := range []string{v4.String(), v6.String()} {
			bits := []int{32, 128}[k]
			path := `{"valid":true,%s"pathFrom":"internal","prefix":"%[2]s","prefixLen":%[3]d,"network":"%[2]s/%[3]d","version":1,"metric":0,"locPrf":100,"weight":0,` +
				`"peerId":"10.10.0.12","path":"","origin":"incomplete","nexthops":[{"ip":"%[4]s","hostname":"vm","afi":"ipv4","used":true}]}`
			comma := ","
			if i == 0 {
				comma = ""
			}
			fmt.Fprintf(&tables[k], "%s\"%s/%d\": [%s,%s]\n", comma, a, bits,
				fmt.Sprintf(path, "", a, bits, hops[k]), fmt.Sprintf(path, `"bestpath":true,`, a, bits, hops[k]))
		}
	}
	text := recording(b, "healthy", "rr1.vtysh")
	for k := range tables {
		for range 2 {
			text += "{\n \"vrfId\": 0,\n \"routes\": { " + tables[k].String() + " } }\n"
		}
	}
	sights = newSights(f)
	for _, s := range sights {
		for i, n := range f.Nodes {
			if s.host.Name == n.Name {
				s.vms = agentVMs{vms: list[i], healthy: true}
			}
		}
	}
	return sights, pack(b, text)
}

// 10,000 VMs, dual stack, on two reflectors: verify must not take minutes.
func TestVerifyManyVMs(t *testing.T) {
	f := verifyFabric(t, func(s string) string { return strings.Replace(s, "203.0.113.0/24", "100.64.0.0/16", 1) })
	sights, answer := bigFleet(t, f, 10_000)
	start := time.Now()
	for _, s := range sights {
		if s.host.Role == inventory.RoleRouteReflector {
			_, s.tables, _ = parseReflector(f, s.host.Host, answer)
		}
	}
	vms := judgeVMs(f, sights)
	took := time.Since(start)
	for _, v := range vms {
		if v.Status != OK {
			t.Fatalf("%+v", v)
		}
	}
	if len(vms) != 10_000 || took > 30*time.Second {
		t.Errorf("%d VMs in %v", len(vms), took)
	}
	t.Logf("%v; an answer of %d KiB", took, len(answer)>>10)
}
