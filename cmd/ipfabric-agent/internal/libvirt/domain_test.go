package libvirt

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ipfabric/inventory/vm"
)

func xmlOf(metadata, devices string) string {
	return `<domain type='kvm' id='3'><name>sea_gold</name><metadata>` + metadata +
		`</metadata><devices><disk/>` + devices + `</devices></domain>`
}

const ours = `<other:x xmlns:other="urn:other"><other:vm ip="1.2.3.4"/></other:x>
<ipfabric:vm xmlns:ipfabric="urn:ipfabric:vm" ip="203.0.113.1" ip6="2001:db8:100::1" owner="libvirt-qemu"/>`

func TestParse(t *testing.T) {
	base := vm.VM{
		Name: "sea_gold", Source: vm.Libvirt, Link: vm.Existing,
		IPv4: netip.MustParseAddr("203.0.113.1"), IPv6: netip.MustParseAddr("2001:db8:100::1"),
		MAC: vm.MAC{0x52, 0x54, 0, 0, 0, 1},
	}
	with := func(change func(*vm.VM)) *vm.VM {
		v := base
		change(&v)
		return &v
	}
	const mac = `<mac address='52:54:00:00:00:01'/>`
	tests := []struct {
		name, in string
		want     *vm.VM
	}{
		{"no metadata", xmlOf("", `<interface type='bridge'/>`), nil},
		{"somebody else's metadata", xmlOf(`<vm xmlns="urn:other" ip="203.0.113.1"/>`, ""), nil},
		{"the agent makes the tap", xmlOf(ours, `<interface type='bridge'><mac address='52:54:00:00:00:99'/></interface>
			<interface type='ethernet'>`+mac+`<target dev='sea_gold_net0' managed='no'/></interface>`),
			with(func(v *vm.VM) { v.Link, v.Owner = vm.Tap, "libvirt-qemu" })},
		{"with several queues", xmlOf(ours, `<interface type='ethernet'>`+mac+`<target dev='sea_gold_net0' managed='no'/><driver name='vhost' queues='4'/></interface>`),
			with(func(v *vm.VM) { v.Link, v.Owner, v.MultiQueue = vm.Tap, "libvirt-qemu", true })},
		{"libvirt makes the tap", xmlOf(ours, `<interface type='ethernet'>`+mac+`<target dev='vnet3'/></interface>`),
			with(func(v *vm.VM) { v.Interface = "vnet3" })},
		{"libvirt has not named it yet", xmlOf(ours, `<interface type='ethernet'>`+mac+`</interface>`), with(func(*vm.VM) {})},
	}
	for _, tt := range tests {
		got, err := Parse(strings.NewReader(tt.in))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "the domain's XML: EOF"},
		{"<domain", "the domain's XML: XML syntax error"},
		{xmlOf(strings.ReplaceAll(ours, "203.0.113.1", "$(id)"), ""), `the domain's metadata: ip "$(id)" is not an address`},
		{xmlOf(ours, `<interface type='bridge'/>`), "the domain has no interface that can be the fabric's"},
		{xmlOf(ours, `<interface type='ethernet'><mac address='x'/></interface>`), `mac "x": write it as`},
		{strings.Repeat(" ", maxXML+1), "the domain's XML is too long"},
	}
	for _, tt := range tests {
		_, err := Parse(strings.NewReader(tt.in))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %s", tt.in, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(xmlOf(ours, `<interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='sea_gold_net0' managed='no'/></interface>`))
	f.Fuzz(func(t *testing.T, in string) {
		v, err := Parse(strings.NewReader(in))
		if err != nil || v == nil {
			return
		}
		// What comes out is checked by whoever takes it.
		if v.Check() == nil && vm.CheckInterface(v.Device()) != nil {
			t.Errorf("interface %q got through", v.Device())
		}
	})
}
