package remote

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// isLost wants the error of a lost connection.
func isLost(t *testing.T, err error) {
	t.Helper()
	var ce *ConnectError
	if !errors.As(err, &ce) || ce.Kind != Lost {
		t.Fatalf("got %v, want a lost connection", err)
	}
	t.Logf("%v\n%s", err, ce.Hint())
	if strings.Contains(err.Error(), "%!") || ce.Hint() == "" {
		t.Errorf("that is no good message: %q, %q", err, ce.Hint())
	}
}

func TestConnectionCutInMidCommand(t *testing.T) {
	s, h := connect(t)
	argv, lives := sleeper(t, "")
	ended := make(chan error, 1)
	go func() { ended <- h.Run(testContext(t), argv...) }()
	waitFor(t, "the command to run", lives)
	s.cut(t)
	isLost(t, <-ended)
	if err := h.Run(testContext(t), "true"); err != nil {
		t.Errorf("the next call does not connect anew: %v", err)
	}
}

// A host without power says nothing more, not even that the connection is closed.
func TestDeadHostIsNoticed(t *testing.T) {
	const keepalive = 200 * time.Millisecond
	p := startProxy(t, startSSHD(t))
	h := newClient(t, Config{Keepalive: keepalive}, p.server).Host(p.target())
	ctx := testContext(t)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx, "sleep", "30") }()
	waitFor(t, "a connection", func() bool { return p.connections() == 1 && h.Run(ctx, "true") == nil })
	p.waitForPieces(t, 4) // a host that only has nothing to say is not given up
	p.freeze()
	start := time.Now()
	select {
	case err := <-ended:
		isLost(t, err)
		has(t, err.Error(), "no answer for 600ms")
	case <-time.After(20 * keepalive):
		t.Fatal("the command still waits")
	}
	if took := time.Since(start); took > 6*keepalive {
		t.Errorf("it took %v", took)
	}
}

// Who gives up on a host that has just died need not wait until it is found dead.
func TestCancelOnADeadHost(t *testing.T) {
	t.Parallel() // it mostly waits
	p := startProxy(t, startSSHD(t))
	h := newClient(t, Config{}, p.server).Host(p.target())
	if err := h.Open(testContext(t)); err != nil {
		t.Fatal(err)
	}
	p.freeze()
	var calls sync.WaitGroup
	for what, call := range map[string]func(context.Context) error{
		"Run":       func(ctx context.Context) error { return h.Run(ctx, "true") },
		"ReadFile":  func(ctx context.Context) error { _, err := h.ReadFile(ctx, "/etc/passwd"); return err },
		"WriteFile": func(ctx context.Context) error { return h.WriteFile(ctx, "/tmp/x", nil, 0o600) },
		"Lock":      func(ctx context.Context) error { _, err := h.Lock(ctx, "/tmp/x", "me"); return err },
	} {
		calls.Add(1)
		go func() {
			defer calls.Done()
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			err := call(ctx)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: got %v, want context.DeadlineExceeded", what, err)
			}
			if took := time.Since(start); took > 2*grace {
				t.Errorf("%s took %v", what, took)
			}
		}()
	}
	calls.Wait()
}

// A connection that stalls in the middle of a file is not a full disk.
func TestConnectionStallsInMidUpload(t *testing.T) {
	for _, tt := range []struct {
		name      string
		keepalive time.Duration // decides, if it is shorter than the time that the caller has
		limit     time.Duration
		want      []string
	}{
		{"noticed by the keepalive", 300 * time.Millisecond, 30 * time.Second, []string{"lost the connection while writing", "no answer for 900ms"}},
		{"noticed by the caller", time.Minute, time.Second, []string{"write ", "was stopped", "MTU"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := startProxy(t, startSSHD(t))
			h := newClient(t, Config{Keepalive: tt.keepalive}, p.server).Host(p.target())
			if _, err := h.ReadFile(testContext(t), "/etc/passwd"); err != nil {
				t.Fatal(err)
			}
			p.mu.Lock()
			p.most = p.passed + 20_000
			p.mu.Unlock()
			ctx, cancel := context.WithTimeout(testContext(t), tt.limit)
			defer cancel()
			err := h.WriteFile(ctx, filepath.Join(t.TempDir(), "file"), make([]byte, 1<<20), 0o600)
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) {
				t.Fatalf("got %v, want an error with a hint", err)
			}
			text := err.Error() + "\n" + hinted.Hint()
			has(t, text, tt.want...)
			if strings.Contains(text, "full") {
				t.Errorf("a full disk is blamed: %s", text)
			}
		})
	}
}

func TestConnectionCutInMidUpload(t *testing.T) {
	p := startProxy(t, startSSHD(t))
	h := newClient(t, Config{}, p.server).Host(p.target())
	ctx := testContext(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "agent")
	writeFile(t, file, "the old one")
	big := make([]byte, 20<<20)
	fill(big)
	ended := make(chan error, 1)
	if err := h.Open(ctx); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- h.WriteFile(ctx, file, big, 0o755) }()
	waitFor(t, "a part of the file to be there", func() bool { return p.sent() > 2<<20 })
	p.sever()
	isLost(t, <-ended)
	if got, err := os.ReadFile(file); err != nil || string(got) != "the old one" {
		t.Fatalf("in place is a file of %d bytes, %v", len(got), err)
	}
	if left := names(t, dir); len(left) != 2 {
		t.Errorf("there are %v, want the file and what the cut upload left", left)
	}
	// The next run finishes it and tidies up.
	if err := h.WriteFile(ctx, file, big, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, big) {
		t.Errorf("in place is another file, of %d bytes, %v", len(got), err)
	}
	if left := names(t, dir); len(left) != 1 {
		t.Errorf("there are %v, want the file alone", left)
	}
}

// fill makes data that does not compress and is the same each time.
func fill(p []byte) {
	r := rand.NewChaCha8([32]byte{})
	r.Read(p)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
