package bgp

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"ipfabric/steps/step/steptest"
)

func TestRoutesOfANode(t *testing.T) {
	f := steptest.Fabric(t, "plain")
	node := f.Nodes[0]
	a, other, net := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8"), netip.MustParseAddr("203.0.113.0")
	r := Routes{}
	err := r.Read(f, `% Network not in table
{"prefix":"203.0.113.7/32","paths":[{"nexthops":[{"ip":"192.0.2.1"}],"peer":{"peerId":"10.9.9.9"}},{"bestpath":{"overall":true},"nexthops":[{"ip":"`+node.IPv4.String()+`"}]}]}
{"routes":{"203.0.113.8/32":[{"bestpath":true,"nexthops":[{"ip":"0.0.0.0"}],"peerId":"(self)"}],"203.0.113.0/24":[{"bestpath":true}]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	if r.Best(a) != node.Name || !r.From(a, "192.0.2.1") || r.From(a, "10.9.9.9") || r.Best(other) != "(self)" || len(r[net]) > 0 {
		t.Errorf("got %+v", r)
	}
	if err := r.Read(f, `{"routes": 7`); err == nil {
		t.Error("half an answer is taken for one")
	}
}

// Few addresses are asked for one by one, many by a table, of the families that
// there are.
func TestRouteQuestions(t *testing.T) {
	var addrs []netip.Addr
	for a := netip.MustParseAddr("203.0.113.1"); len(addrs) < fewRoutes; a = a.Next() {
		addrs = append(addrs, a)
	}
	if argv, table := RouteQuestion(addrs); table || strings.Count(strings.Join(argv, " "), "unicast 203.0.113.") != 48 {
		t.Errorf("got %q, %v", argv, table)
	}
	v4, table := RouteQuestion(append(addrs, netip.MustParseAddr("203.0.113.99")))
	if line := steptest.Line(v4...); !table || line != "pack.sh timeout 8 vtysh -c show bgp ipv4 unicast json" {
		t.Errorf("got %q, %v", line, table)
	}
	both, _ := RouteQuestion(append(addrs, netip.MustParseAddr("2001:db8::1")))
	if line := steptest.Line(both...); line != "pack.sh timeout 8 vtysh -c show bgp ipv4 unicast json -c show bgp ipv6 unicast json" {
		t.Errorf("got %q", line)
	}
	if got := ShowRoute(netip.MustParseAddr("2001:db8::1")); got != "show bgp ipv6 unicast 2001:db8::1/128" {
		t.Errorf("got %q", got)
	}
}

func TestADeadBgpdHasNoRoutes(t *testing.T) {
	f := steptest.Fabric(t, "plain")
	a := netip.MustParseAddr("203.0.113.7")
	const ask = "timeout 8 vtysh -c show bgp ipv4 unicast 203.0.113.7/32 json"
	h := &steptest.Host{Answers: map[string]string{ask: "bgpd is not running\n"}}
	if _, err := AskRoutes(t.Context(), f, h, []netip.Addr{a}); err == nil || err.Error() != "its bgpd does not run" {
		t.Errorf("got %v", err)
	}
	if r, err := AskRoutes(t.Context(), f, h, nil); err != nil || len(r) > 0 || len(h.Log) != 1 {
		t.Errorf("nobody is asked for nothing: %v, %v", r, err)
	}
}

func TestTablesOfAReflector(t *testing.T) {
	f := steptest.Fabric(t, "plain")
	rr, node := f.RouteReflectors[0].Host, f.Nodes[0]
	h := &steptest.Host{Answers: map[string]string{}}
	ask := steptest.Line(ReflectorQuestion(f, rr)...)
	if !strings.HasPrefix(ask, "pack.sh timeout 15 vtysh -c show bgp summary json -c show bgp neighbors json -c show bgp ipv4 unicast json -c show bgp ipv4 unicast community ") {
		t.Fatal(ask)
	}
	const sessions = "{\"ipv4Unicast\":{\"peers\":{}}}\n{\"10.0.0.1\":{\"bgpState\":\"Active\"}}\n"
	route := `"203.0.113.7/32":[{"bestpath":true,"nexthops":[{"ip":"` + node.IPv4.String() + `"}]}]`
	table := func(routes string) string { return `{"vrfId":0,"routes":{` + routes + "}}\n" }
	families := len(tableFamilies(f, rr))
	tables := strings.Repeat(table(route)+strings.Repeat(table(""), len(f.Communities)), families)
	h.Answers[ask] = steptest.Pack(t, sessions+tables)
	peers, got, err := AskReflector(t.Context(), h, f, rr)
	if err != nil || got.Err != nil || peers["10.0.0.1"].State != "Active" {
		t.Fatal(peers, got.Err, err)
	}
	a := netip.MustParseAddr("203.0.113.7")
	if got.Routes.Best(a) != node.Name || len(got.Tagged[f.Communities[0]]) > 0 {
		t.Errorf("got %+v", got)
	}
	h.Answers[ask] = steptest.Pack(t, sessions+table(route))
	if peers, got, err := AskReflector(t.Context(), h, f, rr); err != nil || got.Err == nil || len(peers) != 1 {
		t.Errorf("a table is missing: %v, %v, %v", peers, got.Err, err)
	}
	// vtysh does not fail if only bgpd is gone.
	h.Answers[ask] = steptest.Pack(t, "bgpd is not running\n")
	h.Answers[steptest.Line(Question...)] = "bgpd is not running\n"
	if peers, got, err := AskReflector(t.Context(), h, f, rr); err != nil || peers != nil || !errors.Is(got.Err, errNoBGPD) {
		t.Errorf("bgpd does not run: %v, %v, %v", peers, got.Err, err)
	}
}
