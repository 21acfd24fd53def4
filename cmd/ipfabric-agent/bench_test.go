package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-agent/internal/engine"
	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
)

const benchVMs = 1000

// freshNetns puts the calling thread into a new network namespace. The thread
// is never given back, so it ends with its goroutine, and the namespace with it.
func freshNetns(b *testing.B) {
	b.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		b.Fatalf("a new network namespace: %v (run make bench as root)", err)
	}
}

// benchState writes the files of many VMs.
func benchState(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	s, err := store.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Make(); err != nil {
		b.Fatal(err)
	}
	for i := range benchVMs {
		if err := s.Put(benchVM(i)); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

func benchVM(i int) vm.VM {
	return vm.VM{
		Name: fmt.Sprintf("vm%d", i),
		IPv4: netip.AddrFrom4([4]byte{100, 64, byte(i >> 8), byte(i)}),
		IPv6: netip.MustParseAddr(fmt.Sprintf("2001:db8:100::%x", i+1)),
		MAC:  vm.MAC{0x52, 0x54, 0, 0, byte(i >> 8), byte(i)},
	}
}

func benchEngine(b *testing.B, state string) *engine.Engine {
	b.Helper()
	config := &inventory.AgentConfig{
		Fabric: "bench", Node: "node1", Virtualization: "kvm",
		Gateway: inventory.VMGateway{
			IPv4: netip.MustParseAddr("10.0.0.1"), IPv6: netip.MustParseAddr("fe80::1"), MAC: []byte{2, 0, 0, 0, 0, 1},
		},
		Pools: []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("2001:db8:100::/48")},
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	e, watch, closeKernel, err := newEngine(log, config, vm.Config{}, runOptions{state: state})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go watch.Run(ctx, func(kernel.Event) {})
	b.Cleanup(func() {
		cancel()
		closeKernel()
	})
	return e
}

func reconcile(b *testing.B, e *engine.Engine) {
	b.Helper()
	if err := e.Reconcile(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkNothingToDo is a full pass over 1,000 VMs that are as they should
// be: what the agent does every minute.
func BenchmarkNothingToDo(b *testing.B) {
	freshNetns(b)
	e := benchEngine(b, benchState(b))
	reconcile(b, e)
	for b.Loop() {
		reconcile(b, e)
	}
}

// BenchmarkAllToDo is the first pass over 1,000 VMs after a reboot.
func BenchmarkAllToDo(b *testing.B) {
	state := benchState(b)
	for b.Loop() {
		b.StopTimer()
		freshNetns(b)
		e := benchEngine(b, state)
		b.StartTimer()
		reconcile(b, e)
	}
}

// BenchmarkAllToDoByIP is what ip -batch takes for the same interfaces,
// addresses, neighbors and routes (but without sysctls, altnames and rules,
// which it cannot or does not do).
func BenchmarkAllToDoByIP(b *testing.B) {
	var batch strings.Builder
	for i := range benchVMs {
		v := benchVM(i)
		d := v.Device()
		fmt.Fprintf(&batch, "tuntap add dev %s mode tap user root\n", d)
		fmt.Fprintf(&batch, "link set dev %s alias ipfabric:made:%s\nlink set dev %s address 02:00:00:00:00:01\n", d, v.Name, d)
		fmt.Fprintf(&batch, "address add 10.0.0.1/32 dev %s scope link\naddress add fe80::1/64 dev %s nodad\nlink set dev %s up\n", d, d, d)
		for _, a := range v.Addrs() {
			fmt.Fprintf(&batch, "neigh replace %s lladdr %s dev %s nud permanent\n", a, v.MAC, d)
			fmt.Fprintf(&batch, "route replace %s dev %s proto 201 metric 1024\n", a, d)
		}
	}
	file := filepath.Join(b.TempDir(), "batch")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		freshNetns(b)
		b.StartTimer()
		if out, err := exec.Command("ip", "-batch", file).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	}
}

// BenchmarkAddOne adds one VM to 1,000 others, until its routes are in the
// kernel.
func BenchmarkAddOne(b *testing.B) {
	freshNetns(b)
	e := benchEngine(b, benchState(b))
	reconcile(b, e)
	ctx := context.Background()
	for b.Loop() {
		if _, _, err := e.Add(ctx, benchVM(benchVMs)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := e.Remove(ctx, benchVM(benchVMs).Name); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
