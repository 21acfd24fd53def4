package guest

import (
	"context"
	"encoding/xml"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fakeNode answers list with what it has, and writes down what else it is
// told.
type fakeNode struct {
	have  string
	calls [][]string // name of the script, standard input, arguments
}

func (n *fakeNode) sh(_ context.Context, script, stdin string, args ...string) (string, error) {
	names := map[string]string{
		nsAdd: "ns-add", nsRemove: "ns-remove", qemuAdd: "qemu-add", qemuInstall: "qemu-install",
		qemuRemove: "qemu-remove", lxdAdd: "lxd-add", lxdInstall: "lxd-install", lxdRemove: "lxd-remove",
	}
	if script == list {
		return n.have, nil
	}
	if strings.HasPrefix(script, "test -e ") {
		return "", errors.New("no")
	}
	name, ok := names[script]
	if !ok {
		return "", errors.New("unknown script: " + script)
	}
	n.calls = append(n.calls, append([]string{name, stdin}, args...))
	return "", nil
}

func nothing(string, ...any) {}

func TestAdd(t *testing.T) {
	web := Spec{VM: "web", Kind: NS, Flavour: Veth, Interface: "web_net0", MAC: "02:00:00:00:00:09", Settings: "ip link set dev eth0 up\n"}
	tap := web
	tap.Flavour = Tap
	made := tap
	made.MakeTap, made.MAC = true, ""
	container := web
	container.Kind, container.Metadata = LXD, NewMetadata(netip.MustParseAddr("203.0.113.7"), netip.Addr{})
	for _, tt := range []struct {
		name string
		spec Spec
		want [][]string
	}{
		{"a veth", web, [][]string{{"ns-add", wire, "web", "veth", "web_net0", web.MAC, "wait", web.Settings}}},
		{"the agent's tap", tap, [][]string{{"ns-add", wire, "web", "tap", "web_net0", web.MAC, "wait", web.Settings}}},
		{"a tap of its own", made, [][]string{{"ns-add", wire, "web", "tap", "web_net0", DefaultMAC("web"), "make", web.Settings}}},
		{"a container", container, [][]string{
			{"lxd-install", ""},
			{"lxd-add", "", "web", "web_net0", web.MAC, web.Settings, "user.ipfabric.ip=203.0.113.7"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := &fakeNode{}
			if err := Add(t.Context(), n.sh, tt.spec, nothing); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, n.calls); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddTwiceIsRefused(t *testing.T) {
	n := &fakeNode{have: "web ns veth web_net0 running\n"}
	err := Add(t.Context(), n.sh, Spec{VM: "web", Kind: NS}, nothing)
	if err == nil || !strings.Contains(err.Error(), "has a guest there already") || len(n.calls) > 0 {
		t.Errorf("got %v, %v", err, n.calls)
	}
}

func TestRemove(t *testing.T) {
	n := &fakeNode{have: "box lxd veth box_net0 stopped\nkvm qemu tap kvm_net0 running\nweb ns tap web_net0 running\n"}
	for _, vm := range []string{"web", "kvm", "box"} {
		if err := Remove(t.Context(), n.sh, vm); err != nil {
			t.Error(err)
		}
	}
	if err := Remove(t.Context(), n.sh, "nope"); !errors.Is(err, ErrNone) {
		t.Errorf("got %v", err)
	}
	want := [][]string{{"ns-remove", "", "web"}, {"qemu-remove", "", "kvm"}, {"lxd-remove", "", "box"}}
	if diff := cmp.Diff(want, n.calls); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err := List(t.Context(), n.sh)
	if err != nil || len(got) != 3 || got[0] != (Guest{"box", LXD, Veth, "box_net0", false}) || !got[1].Running {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A guest that came by libvirt's migration was never added here.
func TestListKnowsGuestsThatMoved(t *testing.T) {
	bin := t.TempDir()
	virsh := `#!/bin/sh
case "$*" in
"-q list --name") echo moved; echo; echo bare ;;
"-q domiflist moved") echo " vnet0  ethernet  -  virtio  02:00:00:00:00:09" ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "virsh"), []byte(virsh), 0o755); err != nil {
		t.Fatal(err)
	}
	sh := func(ctx context.Context, script, _ string, _ ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", script)
		cmd.Env = []string{"PATH=" + bin + ":/usr/bin:/bin"}
		out, err := cmd.Output()
		return string(out), err
	}
	got, err := List(t.Context(), sh)
	if err != nil {
		t.Fatal(err)
	}
	want := []Guest{{"moved", QEMU, Tap, "vnet0", true}, {"bare", QEMU, Tap, "-", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDomain(t *testing.T) {
	s := Spec{VM: "kvm", Interface: "kvm_net0", MAC: "02:00:00:00:00:09"}
	plain, err := domain(s)
	if err != nil || strings.Contains(plain, "ipfabric:vm") {
		t.Errorf("a domain of a VM that was added: %v\n%s", err, plain)
	}
	s.Metadata = NewMetadata(netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:100::9"))
	text, err := domain(s)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Name string `xml:"name"`
		VM   struct {
			IP  string `xml:"ip,attr"`
			IP6 string `xml:"ip6,attr"`
		} `xml:"metadata>vm"`
		Target struct {
			Dev string `xml:"dev,attr"`
		} `xml:"devices>interface>target"`
	}
	if err := xml.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if d.Name != "kvm" || d.VM.IP != "203.0.113.9" || d.VM.IP6 != "2001:db8:100::9" || d.Target.Dev != "kvm_net0" {
		t.Errorf("got %+v of\n%s", d, text)
	}
}

func TestDefaultMAC(t *testing.T) {
	macs := []string{DefaultMAC("web"), DefaultMAC("db")}
	if macs[0] == macs[1] || macs[0] != DefaultMAC("web") || !strings.HasPrefix(macs[0], "02:") {
		t.Errorf("got %v", macs)
	}
}

// A typing error would show only where a guest of that kind is started.
func TestScriptsAreShell(t *testing.T) {
	for _, script := range []string{list, nsAdd, nsRemove, qemuInstall, qemuAdd, qemuRemove, lxdInstall, lxdAdd, lxdRemove} {
		if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%.100s", err, out, script)
		}
		if !slices.Contains(strings.Split(script, "\n"), "set -eu") {
			t.Errorf("it goes on after an error: %.100s", script)
		}
	}
}
