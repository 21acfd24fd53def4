package ui

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
)

// A terminal tells when it has got a question.
type terminal struct {
	bytes.Buffer
	asked chan struct{}
}

func (t *terminal) Write(b []byte) (int, error) {
	n, err := t.Buffer.Write(b)
	if bytes.Contains(b, []byte("[y/N]")) {
		t.asked <- struct{}{}
	}
	return n, err
}

// After Ctrl-C at one question, nobody wants to see the next, even if its own context has not
// heard of it yet.
func TestNothingIsAskedAfterAnInterruption(t *testing.T) {
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer typed.Close()
	out := &terminal{asked: make(chan struct{}, 9)}
	say := NewSayer(&bytes.Buffer{}, &bytes.Buffer{}, &Masker{}, func(string) (string, bool) { return "", false })
	a := &Asker{say: say, in: in, lines: bufio.NewReader(in), out: out, mask: &Masker{}}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrInterrupted)
	if _, err := a.Confirm(ctx, "Trust rr1?"); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("asked though interrupted: %s", out)
	}

	ctx, cancel = context.WithCancelCause(context.Background())
	ended := make(chan error)
	go func() {
		_, err := a.Confirm(ctx, "Trust rr1?")
		ended <- err
	}()
	<-out.asked
	cancel(ErrInterrupted)
	if err := <-ended; !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	out.Reset()
	for _, ask := range []func() error{
		func() error { _, err := a.Confirm(context.Background(), "Trust rr2?"); return err },
		func() error { _, err := a.Secret(context.Background(), "Passphrase"); return err },
	} {
		if err := ask(); !errors.Is(err, ErrInterrupted) {
			t.Errorf("got %v", err)
		}
	}
	if strings.Contains(out.String(), "rr2") || strings.Contains(out.String(), "Passphrase") {
		t.Errorf("asked: %s", out)
	}
}
