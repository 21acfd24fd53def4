package flock_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ipfabric/cmd/ipfabric-lab/internal/flock"
)

func take(t *testing.T, name string) *flock.Lock {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	l, err := flock.Take(ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneAtATime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "made", "lock")
	first := take(t, name)
	if _, err := flock.Try(name); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Fatalf("a second one got it: %v", err)
	}
	waiting, got := make(chan bool, 1), make(chan error, 1)
	go func() {
		l, err := flock.Take(context.Background(), name, func() { waiting <- true })
		if err == nil {
			l.Remove()
		}
		got <- err
	}()
	<-waiting
	first.Remove() // the file that the other waits for is gone now
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	take(t, name).Release()
}

func TestTakeEndsWithItsContext(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	defer take(t, name).Release()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := flock.Take(ctx, name, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
