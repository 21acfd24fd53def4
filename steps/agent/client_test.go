package agent

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory/vm"
	"ipfabric/steps/step"
	"ipfabric/steps/step/steptest"
)

// An exit is how the agent's program ends on the node.
type exit struct {
	steptest.Status
	said string
}

func (e exit) Error() string { return "`ipfabric-agent …` ended: " + e.said }
func (e exit) Said() string  { return e.said }

const (
	listLine = Path + " vm list --json --protocol 1"
	showLine = Path + " vm show web --json --protocol 1"
)

func TestClientReadsVMs(t *testing.T) {
	const web = `{"name":"web","ip":"203.0.113.1","phase":"live","source":"api"}`
	h := &steptest.Host{Answers: map[string]string{
		listLine: `[` + web + `,{"name":"db","ip":"::ffff:203.0.113.2"},{"name":"bad","problem":"its file is empty"},
			{"name":"cut","ip":"203.0.113.3","file_error":"it is cut off"},{"name":"none"}]`,
		showLine: web,
	}}
	vms, err := NewClient(h).List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	type line struct{ name, ip, problem, fileError string }
	var got []line
	for _, v := range vms {
		ip := ""
		if v.IPv4.IsValid() {
			ip = v.IPv4.String()
		}
		got = append(got, line{v.Name, ip, v.Problem, v.FileError})
	}
	want := []line{
		{"web", "203.0.113.1", "", ""},
		{"db", "203.0.113.2", "", ""}, // never IPv4 in IPv6
		{"bad", "", "its file is empty", "its file is empty"},
		{"cut", "203.0.113.3", "it is cut off", "it is cut off"},
		{"none", "", "its file cannot be read", "its file cannot be read"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if v, err := NewClient(h).Show(context.Background(), "web"); err != nil || v.Name != "web" || v.IPv4 != netip.MustParseAddr("203.0.113.1") {
		t.Errorf("%+v, %v", v, err)
	}
}

// What cannot be read, or is no name of a VM, is not handed on.
func TestClientRefusesOtherAnswers(t *testing.T) {
	for _, out := range []string{"", "{}", "[", `[{"name":"../x"}]`, `[{"name":"web","ip":"x"}]`} {
		h := &steptest.Host{Answers: map[string]string{listLine: out, showLine: strings.Trim(out, "[]")}}
		if _, err := NewClient(h).List(context.Background()); err == nil || !strings.Contains(err.Error(), "list of VMs cannot be read") {
			t.Errorf("list %q: %v", out, err)
		}
		_, err := NewClient(h).Show(context.Background(), "web")
		if err == nil || err.Error() != "the agent's answer about VM web cannot be read" {
			t.Errorf("show %q: %v", out, err)
		}
	}
}

func TestEditorTellsTheAgent(t *testing.T) {
	whole := vm.VM{
		Name: "web", IPv4: netip.MustParseAddr("203.0.113.1"), IPv6: netip.MustParseAddr("2001:db8::1"),
		MAC: vm.MAC{0x52, 0x54, 0, 0x12, 0x34, 0x56}, Interface: "web_net0", Link: vm.Tap, Owner: "root", Group: "kvm", MultiQueue: true, Phase: vm.Migrating,
	}
	ctx := context.Background()
	for _, tt := range []struct {
		tell func(Editor) error
		want string
	}{
		{func(e Editor) error { return e.Add(ctx, whole) },
			"vm add web --json --ip 203.0.113.1 --ip6 2001:db8::1 --mac 52:54:00:12:34:56 --interface web_net0 --link tap --owner root --group kvm --phase migrating --multiqueue"},
		{func(e Editor) error { return e.Add(ctx, vm.VM{Name: "web", IPv6: whole.IPv6, Phase: vm.Live}) },
			"vm add web --json --ip6 2001:db8::1 --phase live"},
		{func(e Editor) error { return e.Remove(ctx, "web") }, "vm remove web --missing-ok"},
		{func(e Editor) error { return e.HandOver(ctx, "web") }, "vm remove web --missing-ok --handover"},
		{func(e Editor) error { return e.SetPhase(ctx, "web", vm.Withdrawn) }, "vm phase web withdrawn"},
	} {
		line := Path + " " + tt.want + " --protocol 1"
		h := &steptest.Host{Answers: map[string]string{line: ""}}
		if err := tt.tell(NewEditor(h)); err != nil {
			t.Errorf("%s: %v", tt.want, err)
		}
		h.Fail = map[string]error{line: exit{1, `{"code":"conflict","error":"taken","hint":"take another"}`}}
		err := tt.tell(NewEditor(h))
		if vm.CodeOf(err) != vm.Conflict || err.Error() != "taken" {
			t.Errorf("%s: %v", tt.want, err)
		}
	}
}

// The operator reads what the agent says, and steps see the exit status.
func TestClientErrors(t *testing.T) {
	ctx := context.Background()
	stopped := exit{1, `{"code":"not-running","error":"the agent is not running","hint":"systemctl status ipfabric-agent"}`}
	newer, err := json.Marshal(vm.CheckProtocol(vm.Protocol, vm.Protocol+1))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		exit       exit
		code       vm.Code
		text, hint string
	}{
		{stopped, vm.NotRunning, "the agent is not running", "systemctl status ipfabric-agent"},
		{exit{64, "ipfabric-agent: unknown flag: --protocol"}, vm.AgentOlder, "the agent is older than this ipfabric: it speaks protocol 0, not 1", "`ipfabric init --limit node1` updates it"},
		{exit{1, string(newer)}, vm.IpfabricOlder, "this ipfabric is older than the agent, which speaks protocol 2, not 1",
			"update ipfabric to the version that the nodes' agents came with"},
		{exit{127, "sh: not found"}, "", "`ipfabric-agent …` ended: sh: not found", "`ipfabric init --limit node1` installs it"},
		{exit{1, "sh: broken"}, "", "`ipfabric-agent …` ended: sh: broken", ""},
	} {
		h := &steptest.Host{Fail: map[string]error{listLine: tt.exit, showLine: tt.exit, askStatusLine: tt.exit}}
		_, list := NewClient(h).List(ctx)
		_, show := NewClient(h).Show(ctx, "web")
		_, status := NewClient(h).Status(ctx)
		for _, err := range []error{list, show, status} {
			if vm.CodeOf(err) != tt.code || err.Error() != tt.text || HintFor("node1", err) != tt.hint || step.ExitStatus(err) != int(tt.exit.Status) {
				t.Errorf("%s: %v (%s), hint %q, exit status %d", tt.exit.said, err, vm.CodeOf(err), HintFor("node1", err), step.ExitStatus(err))
			}
		}
	}
	lost := errors.New("node1 lost the connection")
	h := &steptest.Host{Fail: map[string]error{listLine: lost}}
	if _, err := NewClient(h).List(ctx); !errors.Is(err, lost) || step.ExitStatus(err) >= 0 {
		t.Errorf("got %v", err)
	}
}

func TestClientStatus(t *testing.T) {
	h := &steptest.Host{Answers: map[string]string{askStatusLine: `{"protocol":1,"healthy":false,"problems":["a"]}`}, Status: map[string]int{askStatusLine: 1}}
	s, err := NewClient(h).Status(context.Background())
	if err != nil || s.Healthy || len(s.Problems) != 1 || s.CheckProtocol() != nil {
		t.Errorf("%+v, %v", s, err)
	}
	s.Protocol = 0
	if err := s.CheckProtocol(); vm.CodeOf(err) != vm.AgentOlder {
		t.Errorf("got %v", err)
	}
	h.Answers[askStatusLine] = "[]"
	if _, err := NewClient(h).Status(context.Background()); err == nil || !strings.Contains(err.Error(), "its status cannot be read") {
		t.Errorf("got %v", err)
	}
}
