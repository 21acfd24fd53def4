package remote

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
)

// A command is one that a host is to run.
type command struct {
	argv  []string
	stdin io.Reader // nil is empty
	long  bool      // its session stays open for long
}

// check refuses what a command line cannot hold.
func (c command) check() error {
	if len(c.argv) == 0 || c.argv[0] == "" {
		return errors.New("no command is given")
	}
	for _, a := range c.argv {
		if strings.ContainsRune(a, 0) {
			return fmt.Errorf("an argument of %q has a zero byte in it", c.argv[0])
		}
	}
	return nil
}

// line is the command line for the user's login shell on the host. What the command reads from
// standard input, feed writes.
func (c command) line(marker string, as rights) string {
	argv := shellescape.QuoteCommand(append([]string{marker}, c.argv...))
	switch {
	case !as.sudo:
		return encode("set -- " + argv + "; " + prologue + epilogue)
	case as.password == "":
		return encode(sudoLine("-n", prologue+epilogue) + argv)
	case c.stdin == nil:
		return encode(sudoLine("-k -S -p ''", prologue+epilogue+" </dev/null") + argv)
	}
	return encode(sudoLine("-k -S -p ''", prologue+skipPassword+epilogue) + argv)
}

func sudoLine(flags, script string) string {
	return "LC_ALL=C; export LC_ALL; exec sudo " + flags + " -H -- /bin/sh -c " + shellescape.Quote(script) + " sh "
}

// feed writes the command's standard input. First comes the password for sudo. The command's own
// input follows only after the marker, which shows that sudo has accepted the password: otherwise sudo
// would read that input as the next try of the password. If sudo does not accept it, sudo asks again
// and would wait for minutes. Then feed returns false.
func (c command) feed(w io.Writer, marker string, as rights, marked <-chan struct{}) bool {
	if as.password != "" {
		io.WriteString(w, as.password+"\n")
	}
	if c.stdin == nil {
		return true
	}
	if as.password != "" {
		select {
		case <-marked:
		case <-time.After(as.timeout):
			return false
		}
		io.WriteString(w, marker+"\n")
	}
	io.Copy(w, c.stdin) // no error if the command does not read all of it: its exit status counts
	return true
}

// encode makes one line of a script for a POSIX shell. It means the same to sh, bash, fish,
// csh and tcsh: csh knows no line breaks in quotes, and expands an exclamation mark there.
func encode(script string) string {
	const most = 900 // bytes in a word, of which the oldest csh took no more than 1024
	var b strings.Builder
	b.WriteString(`exec /bin/sh -c 'eval "$(printf %b "$@")"' sh '`)
	room := most
	for _, c := range []byte(script) {
		if room < 5 {
			b.WriteString("' '")
			room = most
		}
		before := b.Len()
		if c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '!' {
			fmt.Fprintf(&b, `\0%03o`, c)
		} else {
			b.WriteByte(c)
		}
		room -= b.Len() - before
	}
	b.WriteByte('\'')
	return b.String()
}
