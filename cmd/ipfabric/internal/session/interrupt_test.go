package session

import (
	"bytes"
	"context"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"ipfabric/cmd/ipfabric/internal/ui"
)

// watched starts a watch; send gives it signals as the kernel would.
func watched(t *testing.T) (i *interrupts, ctx context.Context, send chan os.Signal) {
	t.Helper()
	say := ui.NewSayer(&bytes.Buffer{}, &bytes.Buffer{}, &ui.Masker{}, func(string) (string, bool) { return "", false })
	ctx, cancel := context.WithCancelCause(context.Background())
	i = &interrupts{stop: make(chan struct{}), cancel: cancel, say: say, grace: time.Hour}
	send = make(chan os.Signal)
	ended := make(chan struct{})
	go func() {
		i.watch(ctx, send)
		close(ended)
	}()
	t.Cleanup(func() {
		cancel(nil)
		<-ended
	})
	return i, ctx, send
}

func soon(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not happen", what)
	}
}

func TestCtrlCWhileLookingCancels(t *testing.T) {
	i, ctx, send := watched(t)
	send <- os.Interrupt
	soon(t, "the cancellation", ctx.Done())
	if !errors.Is(context.Cause(ctx), ui.ErrInterrupted) || !i.Interrupted() {
		t.Errorf("cause %v", context.Cause(ctx))
	}
}

func TestCtrlCWhileChangingStopsFirstAndCancelsSecond(t *testing.T) {
	i, ctx, send := watched(t)
	defer i.change()()
	send <- os.Interrupt
	soon(t, "the stop", i.stop)
	if ctx.Err() != nil {
		t.Fatal("the first Ctrl-C has cancelled")
	}
	send <- os.Interrupt
	soon(t, "the cancellation", ctx.Done())
}

func TestTerminationWhileChangingHasATimeLimit(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		i, ctx, send := watched(t)
		i.grace = time.Millisecond
		done := i.change()
		send <- s
		soon(t, "the stop", i.stop)
		soon(t, "the cancellation", ctx.Done())
		done()
	}
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("any"), 1},
		{ui.ExitWith(ui.ExitChanges), 2},
		{&ui.CodedError{Code: ui.ExitHosts, Err: errors.New("two hosts failed")}, 3},
		{ui.Usagef("hint", "bad flag"), 64},
		{ui.WithHint(ui.Usage(errors.New("bad file")), "hint"), 64},
		{ui.ErrInterrupted, 130},
		{ui.WithHint(ui.ErrInterrupted, "run it again"), 130},
		{context.Canceled, 130},
	} {
		if got := ui.ExitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}
