package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"ipfabric/remote"
	"ipfabric/steps"
)

// A vmNode is a node with an agent that lists VMs, and the lock of the VMs.
type vmNode struct {
	fakeHost
	vms   string // JSON
	locks *vmLockLog
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
	if strings.HasSuffix(line, "ipfabric-agent vm list --json") {
		return n.vms, nil
	}
	if strings.Contains(line, "vtysh") {
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
		nodes[name] = &vmNode{fakeHost: fakeHost{name: name}, vms: "[]", locks: locks}
	}
	b.fleet = newFleet(func(name string) (machine, error) { return nodes[name], nil })
	return b, nodes
}

func TestVMLocksAllNodes(t *testing.T) {
	b, nodes := vmBench(t, "node2", "node1", "node3")
	locks := nodes["node1"].locks
	unlock, silent, err := b.lockVMs(context.Background(), []string{"node3", "node2", "node1"})
	if err != nil || len(silent) > 0 || len(locks.holder) != 3 {
		t.Errorf("%v %v %v", silent, err, locks.order)
	}
	wantText(t, "note", locks.holder["node2"], "ipfabric init, pid")
	unlock()
	if len(locks.holder) > 0 {
		t.Errorf("still locked: %v", locks.holder)
	}
}

func TestVMLockLeavesOutWhoDoesNotAnswer(t *testing.T) {
	b, nodes := vmBench(t, "node1", "node2")
	nodes["node1"].openErr = connectError("node1", remote.Timeout)
	unlock, silent, err := b.lockVMs(context.Background(), []string{"node1", "node2"})
	if err != nil || len(silent) != 1 || silent[0].Host != "node1" || nodes["node2"].locks.holder["node2"] == "" {
		t.Fatalf("%v %v", silent, err)
	}
	unlock()
}

func TestVMLockWaitsForTheOtherOperator(t *testing.T) {
	b, nodes := vmBench(t, "node1", "node2")
	release, err := nodes["node2"].Lock(context.Background(), vmLockPath, "alice@desk (ipfabric vm-add, pid 7)")
	if err != nil {
		t.Fatal(err)
	}
	freed := make(chan struct{})
	go func() {
		defer close(freed)
		// While it waits, it must hold nothing itself.
		for {
			locks := nodes["node1"].locks
			locks.mu.Lock()
			tried := len(locks.order) > 1 && locks.holder["node1"] == ""
			locks.mu.Unlock()
			if tried {
				release()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	unlock, _, err := b.lockVMs(context.Background(), []string{"node1", "node2"})
	if err != nil {
		t.Fatal(err)
	}
	<-freed
	unlock()
	wantText(t, "stderr", b.err.String(), "locked by alice@desk (ipfabric vm-add, pid 7); waiting up to 30s")
	if n := strings.Count(b.err.String(), "waiting"); n != 1 {
		t.Errorf("said %d times that it waits", n)
	}
}

func TestVMLockGivesUpWhenInterrupted(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	if _, err := nodes["node1"].Lock(context.Background(), vmLockPath, "alice"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	time.AfterFunc(10*time.Millisecond, func() { cancel(errInterrupted) })
	if _, _, err := b.lockVMs(ctx, []string{"node1"}); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
	close(b.signals.stop)
	if _, _, err := b.lockVMs(context.Background(), []string{"node1"}); !errors.Is(err, steps.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
}

// Many operators at once: each gets the locks in the end, and never two.
func TestVMLockIsExclusive(t *testing.T) {
	b, _ := vmBench(t, "node1", "node2", "node3")
	var wg sync.WaitGroup
	var mu sync.Mutex
	inside := 0
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			unlock, _, err := b.lockVMs(context.Background(), []string{"node1", "node2", "node3"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			if inside > 1 {
				t.Error("two at once")
			}
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			unlock()
		}()
	}
	wg.Wait()
}

const oneVMJSON = `[{"name":"web","ip":"203.0.113.1","interface":"web_net0","link":"tap","phase":"live","source":"api",
"present":true,"carrier":true,"routes":1,"announced":true,"dropped_packets":0}]`

func TestVMListShowsTheRestWhenAHostIsSilent(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	nodes["rr2"].openErr = connectError("rr2", remote.Timeout)
	err := b.vmFailed(context.Background(), b.vmList(context.Background(), "", false))
	wantCode(t, err, exitHosts)
	wantText(t, "stdout", b.out.String(),
		"NAME  NODE   IP           IP6  INTERFACE  STATE      rr1  rr2",
		"web   node1  203.0.113.1  -    web_net0   announced  no   ?",
		"problem  web on node1: rr1 has no route to it, though node1 announces it")
	wantText(t, "stderr", b.err.String(), "rr2")

	b.out.Reset()
	wantCode(t, b.vmList(context.Background(), "", true), exitHosts)
	wantText(t, "stdout", b.out.String(), `"unanswered": [`, `"host": "rr2"`, `"status": "unknown"`, `"fabric": "lab"`)
}

func TestVMListOfAFabricWithoutVMs(t *testing.T) {
	b, _ := vmBench(t, "node1")
	wantCode(t, b.vmList(context.Background(), "", false), exitOK)
	wantText(t, "stderr", b.err.String(), "no VM")
	wantCode(t, b.vmList(context.Background(), "", true), exitOK)
	wantText(t, "stdout", b.out.String(), `"vms": []`, `"unanswered": []`)
	wantCode(t, b.vmFailed(context.Background(), b.vmList(context.Background(), "rr1", false)), exitUsage)
}

func TestVMShow(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	ctx := context.Background()
	wantCode(t, b.vmShow(ctx, "web", "ip", "ens3", false), exitOK)
	want := "ip link set dev ens3 up\nip addr replace 203.0.113.1/32 dev ens3\n" +
		"ip route replace 10.0.0.1/32 dev ens3 scope link\nip route replace default via 10.0.0.1 dev ens3\n"
	if got := b.out.String(); got != want {
		t.Errorf("got\n%s", got)
	}
	b.out.Reset()
	wantCode(t, b.vmShow(ctx, "web", "", "eth0", false), exitOK)
	wantText(t, "stdout", b.out.String(), "announced", "netplan", "on-link: true", "cloud-init", "ifcfg", "wanted by  api")

	err := b.vmFailed(ctx, b.vmShow(ctx, "wob", "", "eth0", false))
	wantCode(t, err, exitFailed)
	wantText(t, "hint", hintOf(err), "did you mean web?")
	err = b.vmFailed(ctx, b.vmShow(ctx, "database", "", "eth0", false))
	wantText(t, "hint", hintOf(err), "ipfabric vm list")
}

func TestVMRemoveAsks(t *testing.T) {
	b, nodes := vmBench(t, "node1")
	nodes["node1"].vms = oneVMJSON
	err := b.vmFailed(context.Background(), b.vmRemove(context.Background(), "web", false))
	wantCode(t, err, exitUsage)
	wantText(t, "hint", hintOf(err), "--yes")
}

func TestVMErrorsAndExitCodes(t *testing.T) {
	b, _ := vmBench(t, "node1")
	ctx := context.Background()
	tests := []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{errors.New("other"), exitFailed},
		{&steps.VMError{Kind: steps.VMUsage, Msg: "bad"}, exitUsage},
		{&steps.VMError{Kind: steps.VMRefused, Msg: "no"}, exitFailed},
		{&steps.VMError{Kind: steps.VMSilent, Msg: "silent"}, exitHosts},
		{&steps.VMError{Msg: "in the middle", Err: steps.ErrInterrupted}, exitInterrupted},
		{&steps.NoVMError{Name: "web"}, exitFailed},
		{connectError("node1", remote.Timeout), exitHosts},
		{exitWith(exitHosts), exitHosts},
	}
	for _, tt := range tests {
		wantCode(t, b.vmFailed(ctx, tt.err), tt.want)
	}
	b.fleet.fail("node1", connectError("node1", remote.HostKeyChanged))
	wantCode(t, b.vmFailed(ctx, &steps.VMError{Kind: steps.VMSilent, Msg: "silent"}), exitFailed)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantCode(t, b.vmFailed(cancelled, errors.New("whatever")), exitInterrupted)
}

func TestVMSaysWhoHasARoute(t *testing.T) {
	live := steps.VM{Name: "web", Node: "node1", Phase: "live", Present: true, Carrier: true, Routes: 1, Announced: true}
	off, drained := live, live
	off.Carrier = false
	drained.Routes, drained.Announced = 0, false
	yes, no, unknown := steps.Seen{RR: "rr1", Status: steps.SeenYes}, steps.Seen{RR: "rr2", Status: steps.SeenNo}, steps.Seen{RR: "rr2", Status: steps.SeenUnknown}
	tests := []struct {
		vm   steps.VM
		seen []steps.Seen
		code int
		said string
	}{
		{live, []steps.Seen{yes, {RR: "rr2", Status: steps.SeenYes}}, exitOK, "announced: rr1 and rr2 have a route to it"},
		{off, []steps.Seen{yes}, exitOK, "no guest is attached to"},
		{drained, nil, exitOK, "not announced yet: node1 is drained"},
		{live, []steps.Seen{yes, no}, exitFailed, "announced: rr1 has a route to it"},
		{live, []steps.Seen{yes, unknown}, exitHosts, "announced: rr1 has a route to it"},
	}
	for _, tt := range tests {
		b := newBench(t)
		wantCode(t, b.sayAnnounced(tt.vm, tt.seen), tt.code)
		wantText(t, "stderr", b.err.String(), tt.said)
	}
}
