package firewall

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestEntriesAndTheirKeys(t *testing.T) {
	for _, e := range []Entry{
		{Device: "sea_gold_net0"},
		{Device: "el~i54t5lq_net0", Addr: netip.MustParseAddr("203.0.113.1")},
		{Device: "a_net0", Addr: netip.MustParseAddr("2001:db8:100::1")},
		{Device: "a_net0", Addr: netip.MustParseAddr("fe80::5054:ff:fe00:1")},
	} {
		_, key := e.key()
		if got, ok := entryOf(key); !ok || got != e {
			t.Errorf("%v came back as %v", e, got)
		}
	}
	if e, ok := entryOf([]byte("short")); ok {
		t.Errorf("got %v", e)
	}
}

// The address is that of RFC 4291, appendix A.
func TestTheLinkLocalAddressOfAMAC(t *testing.T) {
	got := LinkLocalOf(net.HardwareAddr{0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde})
	if want := netip.MustParseAddr("fe80::3656:78ff:fe9a:bcde"); got != want {
		t.Errorf("got %s", got)
	}
	if got := LinkLocalOf(nil); got.IsValid() {
		t.Errorf("without a MAC: %s", got)
	}
}

func TestTheFingerprintSaysWhatTheRulesAre(t *testing.T) {
	prints := map[string]Options{}
	for _, o := range []Options{
		{}, {Isolate: true}, {MetricsPort: 9472}, {MetricsPort: 9473},
		{Isolate: true, MetricsPort: 9472}, {Fabric: []netip.Addr{netip.MustParseAddr("10.10.0.11")}},
		{Gateway4: netip.MustParseAddr("10.0.0.1")}, {Gateway6: netip.MustParseAddr("fe80::1")}, {Protect: true},
		{Protect: true, Open: []Ports{{unix.IPPROTO_TCP, 53, 53}}}, {Protect: true, Open: []Ports{{unix.IPPROTO_UDP, 53, 53}}},
		{Protect: true, Pools: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}},
	} {
		table, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if other, same := prints[table.print]; same {
			t.Errorf("%+v and %+v have the same rules", o, other)
		}
		prints[table.print] = o
		again, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if again.print != table.print {
			t.Errorf("%+v: the rules differ each time", o)
		}
		for _, c := range table.chains {
			for _, r := range c.rules {
				if n := len(table.comment(r)); n > 120 {
					t.Errorf("%q: its comment is too long for nftables", r.text)
				}
			}
		}
	}
}

// Every chain that a rule goes to is there, and ends by dropping the packet.
func TestEveryReasonDrops(t *testing.T) {
	table, err := Open(Options{Isolate: true, MetricsPort: 9472, Protect: true})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range table.chains {
		names[c.name] = true
		if !c.reason {
			continue
		}
		if last := c.rules[len(c.rules)-1]; last.text != "drop" {
			t.Errorf("chain %s ends with %q", c.name, last.text)
		}
	}
	for _, reason := range []string{Spoofed, ARP, LinkLocal, Discovery, RA, DHCP, Fragment, BGP, BFD, VXLAN, Metrics, Protected, Isolated} {
		if !names[reason] {
			t.Errorf("there is no chain %s in %s", reason, strings.Join(keysOf(names), " "))
		}
	}
}

func keysOf(m map[string]bool) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
