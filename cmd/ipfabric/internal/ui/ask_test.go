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

// pipeAsker asks on a terminal that is a pipe: what is written to typed answers.
func pipeAsker(t *testing.T) (a *Asker, out *terminal, typed *os.File) {
	t.Helper()
	in, typed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		typed.Close()
	})
	out = &terminal{asked: make(chan struct{}, 9)}
	say := NewSayer(&bytes.Buffer{}, &bytes.Buffer{}, &Masker{}, func(string) (string, bool) { return "", false })
	return &Asker{say: say, in: in, lines: bufio.NewReader(in), out: out, mask: &Masker{}}, out, typed
}

// After Ctrl-C at one question, nobody wants to see the next, even if its own context has not
// heard of it yet.
func TestNothingIsAskedAfterAnInterruption(t *testing.T) {
	a, out, _ := pipeAsker(t)
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

// A question that is cancelled because its work has ended is no interruption: the
// next one is asked, and what was typed for the first does not answer it.
func TestAQuestionIsAskedAfterAnotherWasCancelled(t *testing.T) {
	a, out, typed := pipeAsker(t)
	type result struct {
		yes bool
		err error
	}
	confirm := func(ctx context.Context, question string) chan result {
		c := make(chan result, 1)
		go func() {
			yes, err := a.Confirm(ctx, question)
			c <- result{yes, err}
		}()
		<-out.asked
		return c
	}

	ctx, cancel := context.WithCancel(t.Context())
	first := confirm(ctx, "Trust core1?")
	cancel()
	if r := <-first; !errors.Is(r.err, context.Canceled) {
		t.Errorf("got %v", r.err)
	}
	if _, err := typed.WriteString("y\n"); err != nil { // too late
		t.Fatal(err)
	}
	late := <-a.pending // it has been read
	a.pending <- late
	second := confirm(t.Context(), "Apply this to 5 hosts?")
	if _, err := typed.WriteString("n\n"); err != nil {
		t.Fatal(err)
	}
	if r := <-second; r.err != nil || r.yes {
		t.Errorf("the answer to the cancelled question was taken: %v, %v", r.yes, r.err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	first = confirm(ctx, "Trust core1?")
	cancel()
	<-first
	second = confirm(t.Context(), "Trust core1?") // takes the open read over
	if _, err := typed.WriteString("yes\n"); err != nil {
		t.Fatal(err)
	}
	if r := <-second; r.err != nil || !r.yes {
		t.Errorf("got %v, %v", r.yes, r.err)
	}
}
