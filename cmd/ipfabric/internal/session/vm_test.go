package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory/vm"
	"ipfabric/remote"
	"ipfabric/steps/step/steptest"
	"ipfabric/steps/vms"
)

// A vmNode is a node with an agent that lists VMs, and the lock of the VMs.
type vmNode struct {
	fakeHost
	t     *testing.T
	vms   string // JSON
	state string // JSON, of the agent
	table string // JSON, the routes of a reflector
	locks *vmLockLog
	run   func(line string) error // what the agent is told; nil does it
}

func (n *vmNode) Run(_ context.Context, argv ...string) error {
	if n.run == nil {
		return nil
	}
	return n.run(strings.Join(argv, " "))
}

// A vmLockLog is who has which node locked.
type vmLockLog struct {
	mu     sync.Mutex
	holder map[string]string // node → note
	order  []string
}

func (n *vmNode) Lock(_ context.Context, path, note string) (func(), error) {
	if path != vmLockPath {
		return nil, fmt.Errorf("lock of %s", path)
	}
	n.locks.mu.Lock()
	defer n.locks.mu.Unlock()
	if by := n.locks.holder[n.name]; by != "" {
		return nil, &remote.LockedError{Host: n.name, Path: path, Note: by}
	}
	n.locks.holder[n.name] = note
	n.locks.order = append(n.locks.order, n.name)
	return func() {
		n.locks.mu.Lock()
		defer n.locks.mu.Unlock()
		delete(n.locks.holder, n.name)
	}, nil
}

func (n *vmNode) Query(ctx context.Context, argv ...string) (string, error) {
	line := strings.Join(argv, " ")
	line = strings.TrimSuffix(line, " --protocol 1")
	if strings.HasSuffix(line, "ipfabric-agent vm list --json") {
		return n.vms, nil
	}
	if len(argv) > 2 && argv[2] == "show" {
		return strings.Trim(oneVMJSON, "[]"), nil
	}
	switch {
	case strings.HasSuffix(line, "ipfabric-agent status --json"):
		return n.state, nil
	case strings.HasPrefix(steptest.Line(argv...), "pack.sh"): // neighbors and tables
		return steptest.Pack(n.t, "{}\n{}\n"+n.table+"\n"+n.table+"\n"), nil
	case strings.Contains(line, "vtysh"):
		return "{}\n", nil
	}
	return n.fakeHost.Query(ctx, argv...)
}

// vmBench is a bench whose hosts are vmNodes.
func vmBench(t *testing.T, names ...string) (*bench, map[string]*vmNode) {
	b := newBench(t)
	locks := &vmLockLog{holder: map[string]string{}}
	nodes := map[string]*vmNode{}
	for _, name := range append(names, "rr1", "rr2") {
		nodes[name] = &vmNode{t: t, fakeHost: fakeHost{name: name}, vms: "[]", locks: locks,
			state: `{"protocol":1,"healthy":true,"problems":[],"warnings":[]}`, table: `{"routes":{}}`}
	}
	b.fleet = NewFleet(func(name string) (Machine, error) { return nodes[name], nil })
	return b, nodes
}

const oneVMJSON = `[{"name":"web","ip":"203.0.113.1","interface":"web_net0","link":"tap","phase":"live","source":"api",
"present":true,"carrier":true,"routes":1,"announced":true,"dropped_packets":0}]`

func TestVMListShowsTheRestWhenAHostIsSilent(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	nodes["rr2"].openErr = connectError("rr2", remote.Timeout)
	err := b.VMError(context.Background(), b.ListVMs(context.Background(), "", false))
	wantCode(t, err, ui.ExitHosts)
	wantText(t, "stdout", b.out.String(),
		"NAME  NODE   IP           IP6  INTERFACE  STATE      rr1  rr2",
		"web   node1  203.0.113.1  -    web_net0   announced  no   ?",
		"problem  web on node1: rr1 has no route to 203.0.113.1 by node1\n    are the sessions of node1 well?")
	wantText(t, "stderr", b.err.String(), "rr2")

	b.out.Reset()
	wantCode(t, b.ListVMs(context.Background(), "", true), ui.ExitHosts)
	wantText(t, "stdout", b.out.String(), `"unanswered": [`, `"host": "rr2"`, `"status": "unknown"`, `"fabric": "lab"`)
}

func TestVMListOfAFabricWithoutVMs(t *testing.T) {
	b, _ := vmBench(t, "node1")
	wantCode(t, b.ListVMs(context.Background(), "", false), ui.ExitOK)
	wantText(t, "stderr", b.err.String(), "no VM")
	wantCode(t, b.ListVMs(context.Background(), "", true), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), `"vms": []`, `"unanswered": []`)
	wantCode(t, b.VMError(context.Background(), b.ListVMs(context.Background(), "rr1", false)), ui.ExitUsage)
}

// Whatever the table says, a node that does not route is named, and so is a route
// that is no VM's.
func TestVMListNamesWhatIsWrongBesideTheVMs(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].state = `{"protocol":1,"healthy":false,"problems":["the node does not route: net.ipv4.ip_forward is not 1"],"warnings":[]}`
	for _, rr := range []string{"rr1", "rr2"} {
		nodes[rr].table = oneVMTable
	}
	ctx := context.Background()
	wantCode(t, b.ListVMs(ctx, "", false), ui.ExitOK)
	wantText(t, "stderr", b.err.String(), "no VM")
	wantText(t, "stdout", b.out.String(), "problem  node1: the agent is not healthy: the node does not route: net.ipv4.ip_forward is not 1\n    more: ssh root@10.10.0.21 ")

	nodes["node1"].vms = strings.Replace(oneVMJSON, "203.0.113.1", "203.0.113.7", 1)
	nodes["node1"].state = `{"protocol":1,"healthy":true}`
	b.out.Reset()
	wantCode(t, b.ListVMs(ctx, "", false), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), "problem  web on node1: rr1 and rr2 have no route to 203.0.113.7 by node1\n",
		"problem  203.0.113.1: rr1 and rr2 have a route to 203.0.113.1 by node1, where no VM has that address\n    is it a VM's?")
	b.out.Reset()
	wantCode(t, b.ListVMs(ctx, "", true), ui.ExitOK)
	wantText(t, "stdout", b.out.String(), `"state": "announced"`, `"rr1 and rr2 have no route to 203.0.113.7 by node1"`, `"code": "no-route"`, `"code": "stray"`, `"status": "failed"`)
}

// oneVMTable has the route of the VM in oneVMJSON.
const oneVMTable = `{"routes":{"203.0.113.1/32":[{"bestpath":true,"nexthops":[{"ip":"10.10.0.21"}]}]}}`

func TestVMShow(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	nodes["rr1"].table, nodes["rr2"].table = oneVMTable, oneVMTable
	ctx := context.Background()
	wantCode(t, b.ShowVM(ctx, "web", "ip", "ens3", false), ui.ExitOK)
	want := "ip link set dev ens3 up\nip addr replace 203.0.113.1/32 dev ens3\n" +
		"ip route replace 10.0.0.1/32 dev ens3 scope link\nip route replace default via 10.0.0.1 dev ens3\n"
	if got := b.out.String(); got != want {
		t.Errorf("got\n%s", got)
	}
	b.out.Reset()
	wantCode(t, b.ShowVM(ctx, "web", "", "eth0", false), ui.ExitOK)
	want = `web on node1: announced
  addresses      203.0.113.1
  its routes on  rr1 yes, rr2 yes
  interface      web_net0
  link           tap
  wanted by      api

# /etc/netplan/50-ipfabric.yaml, then: netplan apply
network:
  version: 2
  ethernets:
    eth0:
      dhcp4: false
      dhcp6: false
      accept-ra: false
      addresses:
        - "203.0.113.1/32"
      routes:
        - to: "0.0.0.0/0"
          via: "10.0.0.1"
          on-link: true
`
	if d := cmp.Diff(want, b.out.String()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	wantText(t, "stderr", b.err.String(), "`ipfabric vm show web --format FORM` prints them for cloud-init, ifupdown,", "libvirt or ip")

	err := b.VMError(ctx, b.ShowVM(ctx, "wob", "", "eth0", false))
	wantCode(t, err, ui.ExitFailed)
	wantText(t, "hint", ui.HintOf(err), "did you mean web?")
	err = b.VMError(ctx, b.ShowVM(ctx, "database", "", "eth0", false))
	wantText(t, "hint", ui.HintOf(err), "ipfabric vm list")
}

func TestVMRemoveAsks(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	err := b.VMError(context.Background(), b.RemoveVM(context.Background(), "web", false))
	wantCode(t, err, ui.ExitUsage)
	wantText(t, "hint", ui.HintOf(err), "--yes")
}

func TestVMErrorsAndExitCodes(t *testing.T) {
	b, _ := vmBench(t, "node1")
	ctx := context.Background()
	tests := []struct {
		err  error
		want int
	}{
		{nil, ui.ExitOK},
		{errors.New("other"), ui.ExitFailed},
		{&vms.Error{Kind: vms.Usage, Msg: "bad"}, ui.ExitUsage},
		{&vms.Error{Kind: vms.Refused, Msg: "no"}, ui.ExitFailed},
		{&vms.Error{Kind: vms.Unanswered, Msg: "silent"}, ui.ExitHosts},
		{&vms.Error{Msg: "in the middle", Err: vms.ErrInterrupted}, ui.ExitInterrupted},
		{&vms.NotFoundError{Name: "web"}, ui.ExitFailed},
		{connectError("node1", remote.Timeout), ui.ExitHosts},
		{ui.ExitWith(ui.ExitHosts), ui.ExitHosts},
	}
	for _, tt := range tests {
		wantCode(t, b.VMError(ctx, tt.err), tt.want)
	}
	b.fleet.fail("node1", connectError("node1", remote.HostKeyChanged))
	wantCode(t, b.VMError(ctx, &vms.Error{Kind: vms.Unanswered, Msg: "silent"}), ui.ExitFailed)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantCode(t, b.VMError(cancelled, errors.New("whatever")), ui.ExitInterrupted)
}

func TestVMAddThatTheAgentRefuses(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].run = func(line string) error {
		return &remote.CommandError{Host: "node1", Argv: line, Code: 1,
			Stderr: `{"code":"disk-full","error":"VM web is not added: no space left on device","hint":"make room on the disk"}`}
	}
	err := b.VMError(context.Background(), b.AddVM(context.Background(), vms.Wish{Name: "web", Node: "node1"}, false))
	wantCode(t, err, ui.ExitFailed)
	if want := "node1: VM web is not added: no space left on device"; err.Error() != want {
		t.Errorf("got %v", err)
	}
	wantText(t, "hint", ui.HintOf(err), "make room on the disk")
}

// After the first Ctrl-C the agent is told to the end; the reflectors, which
// know nothing of the VM here, are not waited for.
func TestVMAddInterrupted(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].run = func(string) error {
		close(b.Signals.stop)
		return nil
	}
	err := b.VMError(context.Background(), b.AddVM(context.Background(), vms.Wish{Name: "web", Node: "node1"}, false))
	wantCode(t, err, ui.ExitInterrupted)
	wantText(t, "stdout", b.out.String(), "web on node1: 203.0.113.1")
	wantText(t, "stderr", b.err.String(), "VM web was added; whether the route reflectors have heard of it was not waited for")
	wantText(t, "hint", ui.HintOf(err), "ipfabric vm show web")

	b, nodes = vmBench(t, "node1")
	ctx, cancel := context.WithCancel(context.Background())
	nodes["node1"].run = func(string) error {
		cancel()
		return errors.New("`ipfabric-agent vm add` was stopped")
	}
	err = b.VMError(ctx, b.AddVM(ctx, vms.Wish{Name: "web", Node: "node1"}, false))
	wantCode(t, err, ui.ExitInterrupted)
	wantText(t, "stderr", b.err.String(), "whether VM web (203.0.113.1) was added on node1 is not known")
}

func TestVMSaysWhoHasARoute(t *testing.T) {
	live := vms.VM{Node: "node1", Observed: vm.Observed{VM: vm.VM{Name: "web", Phase: vm.Live}, Present: true, Carrier: true, Routes: 1, Announced: true}}
	off, drained := live, live
	off.Carrier = false
	drained.Routes, drained.Announced = 0, false
	yes, no, unknown := vms.Seen{RR: "rr1", Status: vms.SeenYes}, vms.Seen{RR: "rr2", Status: vms.SeenNo}, vms.Seen{RR: "rr2", Status: vms.SeenUnknown}
	tests := []struct {
		vm   vms.VM
		seen []vms.Seen
		code int
		said string
	}{
		{live, []vms.Seen{yes, {RR: "rr2", Status: vms.SeenYes}}, ui.ExitOK, "announced: rr1 and rr2 have a route to it"},
		{off, []vms.Seen{yes}, ui.ExitOK, "no guest is attached to"},
		{off, []vms.Seen{yes, no}, ui.ExitOK, "rr2 has no route to it yet"},
		{drained, nil, ui.ExitOK, "not announced yet: node1 is drained"},
		{live, []vms.Seen{yes, no}, ui.ExitFailed, "announced: rr1 has a route to it"},
		{live, []vms.Seen{yes, unknown}, ui.ExitHosts, "announced: rr1 has a route to it"},
	}
	for _, tt := range tests {
		b := newBench(t)
		wantCode(t, b.sayAnnounced(tt.vm, tt.seen), tt.code)
		wantText(t, "stderr", b.err.String(), tt.said)
	}
}
