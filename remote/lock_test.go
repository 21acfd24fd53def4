package remote

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// lockedBy wants a lock not to be had, and returns the holder's note.
func lockedBy(t *testing.T, h *Host, path string) string {
	t.Helper()
	release, err := h.Lock(testContext(t), path, "the second")
	var locked *LockedError
	if err == nil {
		release()
	}
	if !errors.As(err, &locked) {
		t.Fatalf("got %v, want a LockedError", err)
	}
	t.Logf("%v\n%s", err, locked.Hint())
	return locked.Note
}

func TestLock(t *testing.T) {
	s := startSSHD(t)
	ctx := testContext(t)
	one := newClient(t, Config{}, s).Host(s.target())
	two := newClient(t, Config{}, s).Host(s.target())
	path := filepath.Join(t.TempDir(), "run", "ipfabric.lock")
	const note = "anna@desk, 12:00, init 'all' $HOME"
	release, err := one.Lock(ctx, path, note)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []*Host{one, two} {
		if got := lockedBy(t, h, path); got != note {
			t.Errorf("the note is %q, want %q", got, note)
		}
	}
	one.Close() // the lock outlives it
	if err := one.Run(ctx, "true"); err != nil {
		t.Fatal(err)
	}
	lockedBy(t, two, path)

	release()
	release() // twice does no harm
	again, err := two.Lock(ctx, path, "the second")
	if err != nil {
		t.Fatal(err)
	}
	again()
	if left, err := os.ReadFile(path); err != nil || len(left) != 0 {
		t.Errorf("the note is still there: %q, %v", left, err)
	}
}

func TestLockIsFreeWhenTheConnectionIsCut(t *testing.T) {
	s := startSSHD(t)
	p := startProxy(t, s)
	path := filepath.Join(t.TempDir(), "lock")
	killed := newClient(t, Config{}, p.server).Host(p.target())
	release, err := killed.Lock(testContext(t), path, "the first")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p.sever()
	isFreeSoon(t, s, path)
}

// An operator whose machine has lost its power, or its way to the host, closes nothing.
func TestLockIsFreeWhenTheHolderIsSilent(t *testing.T) {
	t.Parallel() // it mostly waits
	s := startSSHD(t)
	p := startProxy(t, s)
	path := filepath.Join(t.TempDir(), "lock")
	gone := newClient(t, Config{Keepalive: 200 * time.Millisecond}, p.server).Host(p.target())
	release, err := gone.Lock(testContext(t), path, "the first")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p.waitForPieces(t, 12) // two in 200 ms: for longer than the host waits for a sign of life
	other := newClient(t, Config{}, s).Host(s.target())
	lockedBy(t, other, path)
	p.freeze()
	isFreeSoon(t, s, path)
}

func isFreeSoon(t *testing.T, s *server, path string) {
	t.Helper()
	h := newClient(t, Config{}, s).Host(s.target())
	waitFor(t, "the lock to be free", func() bool {
		release, err := h.Lock(testContext(t), path, "the second")
		var locked *LockedError
		if err != nil && !errors.As(err, &locked) {
			t.Fatal(err)
		}
		if err == nil {
			release()
		}
		return err == nil
	})
}

func TestLockWithoutFlock(t *testing.T) {
	bin := t.TempDir()
	if err := os.Symlink("/usr/bin/head", filepath.Join(bin, "head")); err != nil {
		t.Fatal(err)
	}
	_, h := connect(t, "SetEnv HOME=/ PATH="+bin)
	_, err := h.Lock(testContext(t), filepath.Join(t.TempDir(), "lock"), "me")
	var fail *CommandError
	if !errors.As(err, &fail) || fail.ExitStatus() != 127 {
		t.Fatalf("got %v", err)
	}
	has(t, err.Error(), "no flock", "util-linux")
}

func TestLockThatCannotBe(t *testing.T) {
	_, h := connect(t)
	_, err := h.Lock(testContext(t), "/proc/none/lock", "me")
	var fail *CommandError
	if !errors.As(err, &fail) {
		t.Fatalf("got %v, want a CommandError", err)
	}
	t.Log(err)
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	if _, err := h.Lock(ctx, filepath.Join(t.TempDir(), "lock"), "me"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
