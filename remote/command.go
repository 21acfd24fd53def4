package remote

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
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
// begins, after whatever the login shell printed, and says the process ID, which the
// command keeps. Then it makes the environment the same everywhere: messages in
// English, and the administrator's commands within reach of any user.
const prologue = `echo "$1 $$"; echo "$1" >&2; shift; LC_ALL=C; PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"; export LC_ALL PATH; exec "$@"`

// line is the command line that the user's login shell on the host gets. This is the
// one place where it is made, and input the one for what the command reads.
func (c command) line(marker string) string {
	return "exec /bin/sh -c " + quote(prologue) + " sh " + marker + " " + quoteAll(c.argv)
}

func (c command) input() io.Reader { return c.stdin }

// pasteable is a line for the operator's shell that runs the same.
func (c command) pasteable(ep endpoint) string {
	ssh := []string{"ssh"}
	if len(ep.via) > 0 {
		ssh = append(ssh, "-J", strings.Join(ep.via, ","))
	}
	if ep.port != 22 {
		ssh = append(ssh, "-p", strconv.Itoa(ep.port))
	}
	if ep.mustKeys {
		for _, k := range ep.keys {
			ssh = append(ssh, "-i", k)
		}
	}
	if ep.ownKnown {
		ssh = append(ssh, "-o", "UserKnownHostsFile="+ep.knownHosts[0])
	}
	return quoteAll(append(ssh, ep.user+"@"+ep.host, quoteAll(c.argv)))
}

// quoteAll makes one line of arguments for a POSIX shell.
func quoteAll(argv []string) string {
	quoted := make([]string, len(argv))
	for i, a := range argv {
		quoted[i] = quote(a)
	}
	return strings.Join(quoted, " ")
}

// plain are the characters that mean nothing to any shell.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%"

// quote makes one word for a POSIX shell that stands for s, whatever is in it. fish
// reads it in the same way.
func quote(s string) string {
	if s != "" && strings.Trim(s, plain) == "" && !strings.HasPrefix(s, "=") {
		return s
	}
	return "'" + strings.NewReplacer("'", `'"'"'`, `\`, `'"\\"'`).Replace(s) + "'"
}
