package session

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/vms"
)

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
		for range time.Tick(time.Millisecond) {
			locks := nodes["node1"].locks
			locks.mu.Lock()
			tried := len(locks.order) > 1 && locks.holder["node1"] == ""
			locks.mu.Unlock()
			if tried {
				release()
				return
			}
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
	time.AfterFunc(10*time.Millisecond, func() { cancel(ui.ErrInterrupted) })
	if _, _, err := b.lockVMs(ctx, []string{"node1"}); !errors.Is(err, ui.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	close(b.Signals.stop)
	if _, _, err := b.lockVMs(context.Background(), []string{"node1"}); !errors.Is(err, vms.ErrInterrupted) {
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
