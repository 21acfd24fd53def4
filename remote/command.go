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
	pin   bool      // its session stays open for long
}

// check finds what no command line can carry.
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

// prologue runs before every command. It marks where the command's own output
// begins, after whatever the login shell or sudo printed, and says the process group, which
// is sudo's if that has started a process of its own. Then it makes the environment the same
// everywhere: messages in English, and the administrator's commands within reach of any user.
const prologue = `ipf_g=$$; read -r ipf_s </proc/$$/stat && { ipf_s=${ipf_s##*) }; ipf_s=${ipf_s#* * }; ipf_g=${ipf_s%% *}; }
echo "$1 $ipf_g"; echo "$1" >&2
`

const epilogue = `shift; LC_ALL=C; PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH; exec "$@"`

// skipPassword passes over what sudo has left of the password's line: all of it, if it wanted none.
// The line after it is the marker.
const skipPassword = `while read -r ipf_s && [ "$ipf_s" != "$1" ]; do :; done; `

// line is the command line that the user's login shell on the host gets. This is the
// one place where it is made, and feed the one for what the command reads.
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

// feed writes what the command reads. The password comes first, for sudo. A command without input of its
// own gets nothing after it; so a password that is refused is not tried again with something else.
// Input follows only when the marker shows that sudo is satisfied. A sudo that no longer is asks again,
// and would wait for minutes; then feed is false.
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
		case <-time.After(as.patience):
			return false
		}
		io.WriteString(w, marker+"\n")
	}
	io.Copy(w, c.stdin) // a command need not read all of it: its exit status tells
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
