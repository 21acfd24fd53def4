package ui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// An Asker asks the operator on the terminal. It is remote's Prompter too:
// host keys to accept, passphrases of keys, passwords.
type Asker struct {
	say   *Sayer
	out   io.Writer // the terminal, even if standard error goes elsewhere
	in    *os.File
	lines *bufio.Reader
	mask  *Masker
	// say.mu guards these.
	left    error       // the interruption that ended a question; nothing is asked after that
	pending chan answer // a read whose question was cancelled; the next question takes it over
}

// An answer is a line from the terminal, with its end.
type answer struct {
	line string
	err  error
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
	answer, err := a.Choose(ctx, question+" [y/N]")
	return IsYes(answer), err
}

// IsYes says whether an answer is yes. Any other is no.
func IsYes(answer string) bool { return answer == "y" || answer == "yes" }

// Choose asks a question and returns what was typed, in lower case.
func (a *Asker) Choose(ctx context.Context, question string) (string, error) {
	a.say.mu.Lock() // what runs beside waits with its lines
	defer a.say.mu.Unlock()
	text, err := a.ask(ctx, question+" ")
	if err != nil {
		return "", err
	}
	a.say.Log.Record("", "asked: %s answer: %s", question, strings.TrimSpace(text))
	return strings.ToLower(strings.TrimSpace(text)), nil
}

// Secret asks for something that is not shown while it is typed.
func (a *Asker) Secret(ctx context.Context, question string) (string, error) {
	a.say.mu.Lock()
	defer a.say.mu.Unlock()
	if err := a.mayAsk(ctx); err != nil {
		return "", err
	}
	echo, err := withoutEcho(int(a.in.Fd()))
	if err != nil {
		return "", err
	}
	defer echo()
	secret, err := a.ask(ctx, strings.TrimRight(question, ": ")+": ")
	if err != nil {
		return "", err
	}
	fmt.Fprintln(a.out) // the line's end was not shown either
	secret = strings.TrimRight(secret, "\r\n")
	a.mask.Hide(secret) // also one that was not it
	return secret, nil
}

// ask puts a question and returns the line that answers it. What was typed for a
// question that was cancelled answers no other.
func (a *Asker) ask(ctx context.Context, prompt string) (string, error) {
	if err := a.mayAsk(ctx); err != nil {
		return "", err
	}
	if a.pending != nil {
		dropInput(int(a.in.Fd()))
		select {
		case <-a.pending:
			a.pending = nil
		default:
		}
	}
	fmt.Fprint(a.out, prompt)
	line, err := a.await(ctx)
	if err != nil {
		fmt.Fprintln(a.out)
		return "", unanswered(err)
	}
	return line, nil
}

// unanswered makes the end of the input, Ctrl-D, readable.
func unanswered(err error) error {
	if err == io.EOF {
		return fmt.Errorf("no answer")
	}
	return err
}

// mayAsk returns why no question may be put any more: the run was interrupted,
// or what the answer is for was given up.
func (a *Asker) mayAsk(ctx context.Context) error {
	if a.left != nil {
		return a.left
	}
	return context.Cause(ctx)
}

// await ends when a line was typed or ctx is cancelled. In the latter case the
// read stays behind. After an interruption that is for good; a question beside
// the run's own work may be cancelled because the work has ended, and the next
// question takes the read over.
func (a *Asker) await(ctx context.Context) (string, error) {
	c := a.pending
	if c == nil {
		c = make(chan answer, 1)
		go func() {
			line, err := a.lines.ReadString('\n')
			c <- answer{line, err}
		}()
	}
	a.pending = nil
	select {
	case said := <-c:
		return said.line, said.err
	case <-ctx.Done():
		a.pending = c
		err := context.Cause(ctx)
		if errors.Is(err, ErrInterrupted) {
			a.left = err
		}
		return "", err
	}
}

// withoutEcho stops a terminal from showing what is typed until restore is called.
func withoutEcho(fd int) (restore func(), err error) {
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	silent := *before
	silent.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &silent); err != nil {
		return nil, err
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, before) }, nil
}

// dropInput forgets what was typed and not read yet.
func dropInput(fd int) { _ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) }
