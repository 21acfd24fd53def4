package ui

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// An Asker asks the operator on the terminal. It is remote's Prompter too:
// host keys to accept, passphrases of keys, passwords.
type Asker struct {
	say   *Sayer
	out   io.Writer // the terminal, even if standard error goes elsewhere
	in    *os.File
	lines *bufio.Reader
	mask  *Masker
	left  error // why a question was left without an answer; nothing is asked after that. say.mu guards it
}

// NewAsker returns nil if nobody can answer.
func NewAsker(in io.Reader, say *Sayer, mask *Masker) *Asker {
	if !IsTerminal(in) {
		return nil
	}
	a := &Asker{say: say, in: in.(*os.File), lines: bufio.NewReader(in), out: say.err, mask: mask}
	if tty, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0); err == nil {
		a.out = tty // open until the program ends
	}
	return a
}

// Confirm asks a question whose answer is yes or, also to an empty line, no.
func (a *Asker) Confirm(ctx context.Context, question string) (bool, error) {
	a.say.mu.Lock() // what runs beside waits with its lines
	defer a.say.mu.Unlock()
	if err := a.mayAsk(ctx); err != nil {
		return false, err
	}
	fmt.Fprintf(a.out, "%s [y/N] ", question)
	answer, err := a.await(ctx, func() (string, error) { return a.lines.ReadString('\n') })
	if err != nil {
		fmt.Fprintln(a.out)
		return false, unanswered(err)
	}
	a.say.Log.Record("", "asked: %s answer: %s", question, strings.TrimSpace(answer))
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// Secret asks for something that is not shown while it is typed.
func (a *Asker) Secret(ctx context.Context, question string) (string, error) {
	a.say.mu.Lock()
	defer a.say.mu.Unlock()
	if err := a.mayAsk(ctx); err != nil {
		return "", err
	}
	fd := int(a.in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(a.out, "%s: ", strings.TrimRight(question, ": "))
	secret, err := a.await(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	fmt.Fprintln(a.out)
	if err != nil {
		_ = term.Restore(fd, before) // an interrupted ReadPassword leaves the echo off
		return "", unanswered(err)
	}
	a.mask.Hide(secret) // also one that was not it
	return secret, nil
}

// unanswered makes the end of the input, Ctrl-D, readable.
func unanswered(err error) error {
	if err == io.EOF {
		return fmt.Errorf("no answer")
	}
	return err
}

// mayAsk returns why no question may be put any more: the run was interrupted while this one
// waited for its turn, or while another was open, whose reader still has the terminal.
func (a *Asker) mayAsk(ctx context.Context) error {
	if a.left != nil {
		return a.left
	}
	return context.Cause(ctx)
}

// await ends when f does or ctx is cancelled. In the latter case f stays
// behind, waiting for a terminal that nobody types at any more.
func (a *Asker) await(ctx context.Context, f func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	c := make(chan answer, 1)
	go func() {
		text, err := f()
		c <- answer{text, err}
	}()
	select {
	case said := <-c:
		return said.text, said.err
	case <-ctx.Done():
		a.left = context.Cause(ctx)
		return "", a.left
	}
}
