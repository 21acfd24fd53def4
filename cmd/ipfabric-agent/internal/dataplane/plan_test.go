package dataplane

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
)

var fabric = Settings{
	IPv4: netip.MustParseAddr("10.0.0.1"),
	IPv6: netip.MustParseAddr("fe80::1"),
	MAC:  vm.MAC{2, 0, 0, 0, 0, 1},
}

func seaGold() vm.VM {
	return vm.VM{
		Name: "sea_gold",
		IPv4: netip.MustParseAddr("203.0.113.1"),
		IPv6: netip.MustParseAddr("2001:db8:100::1"),
		MAC:  vm.MAC{0x52, 0x54, 0, 0, 0, 1},
		Link: vm.Tap, Phase: vm.Live,
	}
}

// asWanted is a kernel in which a VM has all that it needs.
func asWanted(w Want, index int) Seen {
	l := &Link{
		Index: index, Name: w.Device, Kind: "tun", Tap: true, MAC: w.MAC, Up: true, Carrier: true,
		Alias: aliasMade + w.VM, Addrs: w.Addrs, Neighbors: w.Neighbors, Settings: map[string]string{},
	}
	if w.AltName != "" {
		l.AltNames = []string{w.AltName}
	}
	for _, s := range w.Settings {
		l.Settings[s.Key] = s.Value
	}
	seen := Seen{Links: map[string]*Link{l.Name: l}}
	for _, r := range w.Routes {
		seen.Routes = append(seen.Routes, SeenRoute{r, index})
	}
	return seen
}

func never(string) bool { return false }

func ops(r Result) []string {
	out := []string{}
	for _, o := range r.Ops {
		out = append(out, o.String())
	}
	return out
}

func TestAFreshVM(t *testing.T) {
	got := Plan([]Want{For(seaGold(), fabric)}, Seen{}, never)
	want := strings.Split(`sea_gold_net0: make tap owner "" group ""
sea_gold_net0: set alias ipfabric:made:sea_gold
sea_gold_net0: set mac 02:00:00:00:00:01
sea_gold_net0: set ipv4/conf/forwarding=1
sea_gold_net0: set ipv4/conf/rp_filter=1
sea_gold_net0: set ipv4/conf/proxy_arp=1
sea_gold_net0: set ipv4/neigh/proxy_delay=0
sea_gold_net0: set ipv4/conf/send_redirects=0
sea_gold_net0: set ipv4/conf/accept_redirects=0
sea_gold_net0: set ipv6/conf/accept_ra=0
sea_gold_net0: set ipv6/conf/accept_redirects=0
sea_gold_net0: set ipv6/conf/addr_gen_mode=1
sea_gold_net0: set ipv6/conf/disable_ipv6=0
sea_gold_net0: set ipv6/conf/forwarding=1
sea_gold_net0: add address 10.0.0.1/32
sea_gold_net0: add address fe80::1/64
sea_gold_net0: set up
sea_gold_net0: set neighbor 203.0.113.1 52:54:00:00:00:01
sea_gold_net0: set neighbor 2001:db8:100::1 52:54:00:00:00:01
sea_gold_net0: add route 203.0.113.1/32 metric 1024
sea_gold_net0: add route 2001:db8:100::1/128 metric 1024`, "\n")
	if diff := cmp.Diff(want, ops(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Whatever other programs change is put right, and nothing else is touched.
func TestHealing(t *testing.T) {
	tests := []struct {
		name   string
		vm     func(*vm.VM)
		change func(*Seen, *Link)
		want   []string
	}{
		{"nothing is wrong", nil, func(*Seen, *Link) {}, []string{}},
		{"a route is gone", nil, func(s *Seen, _ *Link) { s.Routes = s.Routes[1:] },
			[]string{"sea_gold_net0: add route 203.0.113.1/32 metric 1024"}},
		{"an address is gone", nil, func(_ *Seen, l *Link) { l.Addrs = l.Addrs[1:] },
			[]string{"sea_gold_net0: add address 10.0.0.1/32"}},
		{"an address is foreign", nil, func(_ *Seen, l *Link) { l.Addrs = append(l.Addrs, netip.MustParsePrefix("192.0.2.1/24")) },
			[]string{"sea_gold_net0: remove address 192.0.2.1/24"}},
		{"it was down and up: the routes and neighbors are gone", nil,
			func(s *Seen, l *Link) { s.Routes, l.Neighbors = nil, nil },
			[]string{
				"sea_gold_net0: set neighbor 203.0.113.1 52:54:00:00:00:01",
				"sea_gold_net0: set neighbor 2001:db8:100::1 52:54:00:00:00:01",
				"sea_gold_net0: add route 203.0.113.1/32 metric 1024",
				"sea_gold_net0: add route 2001:db8:100::1/128 metric 1024",
			}},
		{"another MAC", nil, func(_ *Seen, l *Link) { l.MAC = "fe:54:00:00:00:01" },
			[]string{"sea_gold_net0: set mac 02:00:00:00:00:01"}},
		{"ARP is off", nil, func(_ *Seen, l *Link) { l.NoARP = true },
			[]string{"sea_gold_net0: set arp on"}},
		{"another MTU", nil, func(_ *Seen, l *Link) { l.MTU = 1400 },
			[]string{"sea_gold_net0: set mtu 1500"}},
		{"the mark is gone from a tap known to be the agent's", nil, func(_ *Seen, l *Link) { l.Alias, l.Made = "", true },
			[]string{"sea_gold_net0: set alias ipfabric:made:sea_gold"}},
		{"a sysctl", nil, func(_ *Seen, l *Link) { l.Settings["ipv6/conf/accept_ra"] = "1" },
			[]string{"sea_gold_net0: set ipv6/conf/accept_ra=0"}},
		{"another MAC in the neighbor table", nil,
			func(_ *Seen, l *Link) { l.Neighbors[0].MAC = "52:54:00:00:00:99" },
			[]string{"sea_gold_net0: set neighbor 203.0.113.1 52:54:00:00:00:01"}},
		{"a route of the agent's that no VM wants", nil,
			func(s *Seen, _ *Link) {
				s.Routes = append(s.Routes, SeenRoute{Route{netip.MustParsePrefix("203.0.113.77/32"), 1024}, 7})
			},
			[]string{"sea_gold_net0: remove route 203.0.113.77/32 metric 1024"}},
		{"the same on an interface of no VM", nil,
			func(s *Seen, _ *Link) {
				s.Routes = append(s.Routes, SeenRoute{Route{netip.MustParsePrefix("203.0.113.77/32"), 1024}, 0})
			},
			[]string{"(no interface): remove route 203.0.113.77/32 metric 1024"}},
		{"it arrives by migration: the new route comes first", func(v *vm.VM) { v.Phase = vm.Migrating; v.IPv6 = netip.Addr{} },
			func(s *Seen, l *Link) {
				s.Routes[0].Metric = 1024
			},
			[]string{
				"sea_gold_net0: add route 203.0.113.1/32 metric 512",
				"sea_gold_net0: remove route 203.0.113.1/32 metric 1024",
			}},
		{"it is withdrawn", func(v *vm.VM) { v.Phase = vm.Withdrawn; v.IPv6 = netip.Addr{} },
			func(s *Seen, _ *Link) {
				s.Routes = []SeenRoute{{Route{netip.MustParsePrefix("203.0.113.1/32"), 1024}, 7}}
			},
			[]string{"sea_gold_net0: remove route 203.0.113.1/32 metric 1024"}},
	}
	for _, tt := range tests {
		v := seaGold()
		if tt.vm != nil {
			tt.vm(&v)
		}
		w := For(v, fabric)
		seen := asWanted(For(v, fabric), 7)
		tt.change(&seen, seen.Links[w.Device])
		if diff := cmp.Diff(tt.want, ops(Plan([]Want{w}, seen, never))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestAVMThatIsNoLongerWanted(t *testing.T) {
	w := For(seaGold(), fabric)
	made := asWanted(w, 7)
	want := []string{
		"sea_gold_net0: remove route 203.0.113.1/32 metric 1024",
		"sea_gold_net0: remove route 2001:db8:100::1/128 metric 1024",
		"sea_gold_net0: delete",
	}
	if diff := cmp.Diff(want, ops(Plan(nil, made, never))); diff != "" {
		t.Errorf("one that the agent made (-want +got)\n%s", diff)
	}

	// An interface that is not the agent's stays, but nothing gets through it.
	taken := asWanted(w, 7)
	l := taken.Links["sea_gold_net0"]
	l.Kind, l.Tap, l.Alias = "veth", false, aliasTaken+"sea_gold"
	l.AltNames = []string{"sea_gold_net0", "enp7s0"}
	want = []string{
		"sea_gold_net0: remove route 203.0.113.1/32 metric 1024",
		"sea_gold_net0: remove route 2001:db8:100::1/128 metric 1024",
		"sea_gold_net0: set down",
		"sea_gold_net0: remove address 10.0.0.1/32",
		"sea_gold_net0: remove address fe80::1/64",
		"sea_gold_net0: remove neighbor 203.0.113.1/32",
		"sea_gold_net0: remove neighbor 2001:db8:100::1/128",
		"sea_gold_net0: remove altname sea_gold_net0",
		"sea_gold_net0: set alias ",
	}
	if diff := cmp.Diff(want, ops(Plan(nil, taken, never))); diff != "" {
		t.Errorf("one that it took up (-want +got)\n%s", diff)
	}

	held := func(name string) bool { return name == "sea_gold" }
	if got := ops(Plan(nil, made, held)); len(got) != 0 {
		t.Errorf("one of which it is not known what it needs is touched: %v", got)
	}
}

func TestForeignInterfacesAreLeftAlone(t *testing.T) {
	foreign := &Link{
		Index: 2, Name: "eno1", Up: true, MAC: "00:11:22:33:44:55", Alias: "uplink to tor1",
		Addrs: []netip.Prefix{netip.MustParsePrefix("10.10.0.21/24")},
	}
	seen := Seen{Links: map[string]*Link{"eno1": foreign}}
	if got := ops(Plan(nil, seen, never)); len(got) != 0 {
		t.Errorf("it is touched: %v", got)
	}
	// Not even if a VM asks for it.
	v := seaGold()
	v.Interface, v.Link = "eno1", vm.Existing
	got := Plan([]Want{For(v, fabric)}, seen, never)
	if len(got.Ops) != 0 {
		t.Errorf("it is touched: %v", ops(got))
	}
	want := "interface eno1: it is neither a tap nor a veth but a physical interface: left as it is"
	if diff := cmp.Diff(want, got.States["sea_gold"].Problem); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAPortOfABridgeIsReported(t *testing.T) {
	w := For(seaGold(), fabric)
	seen := asWanted(w, 7)
	seen.Links[w.Device].Master = 3
	seen.Links["virbr0"] = &Link{Index: 3, Name: "virbr0", Kind: "bridge"}
	got := Plan([]Want{w}, seen, never)
	if len(got.Ops) != 0 || !strings.Contains(got.States["sea_gold"].Problem, "it is a port of virbr0") {
		t.Errorf("got %v, %q", ops(got), got.States["sea_gold"].Problem)
	}
}

func TestAnInterfaceThatIsNotThereYet(t *testing.T) {
	v := seaGold()
	v.Link = vm.Existing
	got := Plan([]Want{For(v, fabric)}, Seen{}, never)
	if len(got.Ops) != 0 || got.States["sea_gold"].Present || got.States["sea_gold"].Problem != "" {
		t.Errorf("got %v, %+v", ops(got), got.States["sea_gold"])
	}
}

func TestDrainedNodesAnnounceNothing(t *testing.T) {
	drained := fabric
	drained.Drained = true
	if got := For(seaGold(), drained).Routes; len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestAKernelWithoutIPv6ServesIPv4(t *testing.T) {
	v := seaGold()
	v.IPv6 = netip.Addr{}
	w := For(v, fabric)
	seen := asWanted(w, 7)
	for key := range seen.Links[w.Device].Settings {
		if strings.HasPrefix(key, "ipv6/") {
			delete(seen.Links[w.Device].Settings, key)
		}
	}
	if got := ops(Plan([]Want{w}, seen, never)); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestALongNameIsTheAltName(t *testing.T) {
	v := seaGold()
	v.Name = "sea_gold_of_the_north"
	w := For(v, fabric)
	if w.Device != vm.InterfaceName(v.Name) || w.AltName != "sea_gold_of_the_north_net0" {
		t.Errorf("got %s and %s", w.Device, w.AltName)
	}
	seen := asWanted(w, 7)
	seen.Links[w.Device].AltNames = nil
	want := []string{w.Device + ": add altname sea_gold_of_the_north_net0"}
	if diff := cmp.Diff(want, ops(Plan([]Want{w}, seen, never))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	seen.NoAltNames = true
	if got := ops(Plan([]Want{w}, seen, never)); len(got) != 0 {
		t.Errorf("an old kernel is asked for what it does not have: %v", got)
	}
}
