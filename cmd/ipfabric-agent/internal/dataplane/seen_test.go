package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"ipfabric/inventory/vm"
)

func TestALinkThatOthersRelyOnIsNoVMs(t *testing.T) {
	guest := vm.VM{Name: "a", IPv4: netip.MustParseAddr("203.0.113.1"), Interface: "up"}
	w := For(guest, Settings{IPv4: netip.MustParseAddr("10.0.0.1")})
	prefix := netip.MustParsePrefix
	tests := map[string]struct {
		link Link
		want string
	}{
		"nothing":              {Link{}, ""},
		"its gateway":          {Link{Addrs: []netip.Prefix{prefix("10.0.0.1/32")}}, ""},
		"a link-local address": {Link{Addrs: []netip.Prefix{prefix("fe80::5/64")}}, ""},
		"an address":           {Link{Addrs: []netip.Prefix{prefix("192.0.2.1/24")}}, "it has the address 192.0.2.1/24"},
		"a VLAN":               {Link{Uppers: []string{"up.7"}}, "up.7 is on top of it"},
		"a route":              {Link{Others: []netip.Prefix{prefix("0.0.0.0/0")}}, "a route to 0.0.0.0/0 leads over it"},
		"a route to the VM":    {Link{Others: []netip.Prefix{prefix("203.0.113.1/32")}}, ""},
		"a VM's already":       {Link{Alias: "ipfabric:taken:b", Others: []netip.Prefix{prefix("0.0.0.0/0")}}, ""},
	}
	for name, tt := range tests {
		l := tt.link
		l.Name, l.Kind = "up", "veth"
		got := l.Unfit(w, nil)
		if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		unfit := Unfit([]Want{w}, Seen{Links: map[string]*Link{"up": &l}})
		if unfit["up"] != (tt.want != "") {
			t.Errorf("%s: filtered: %t", name, !unfit["up"])
		}
	}
}

func TestARenamedLinkGetsItsNameBack(t *testing.T) {
	w := Want{VM: "a", Device: "a_net0", Make: true}
	l := &Link{Index: 7, Name: "foo", Tap: true, Kind: "tun", Alias: "ipfabric:made:a", Up: true}
	got := Plan([]Want{w}, Seen{Links: map[string]*Link{"foo": l}}, func(string) bool { return false })
	if len(got.Ops) != 1 || got.Ops[0].Verb != Rename || got.Ops[0].Value != "foo" || got.Ops[0].Device != "a_net0" {
		t.Errorf("got %v", got.Ops)
	}
	if s := got.States["a"]; !s.Present || s.Index != 7 {
		t.Errorf("got %+v", s)
	}
}
