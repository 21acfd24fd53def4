package inventory

import (
	"regexp"
	"strconv"
	"strings"
)

// SSHLine gives a line to paste into the operator's shell that runs a command
// on a host, built from what the inventory says of the way there.
func (f *Fabric) SSHLine(h Host, command string) string {
	words := []string{"ssh"}
	if h.SSH.Port != 0 && h.SSH.Port != 22 {
		words = append(words, "-p", strconv.Itoa(h.SSH.Port))
	}
	for _, key := range h.SSH.Keys {
		words = append(words, "-i", quoteWord(key))
	}
	if f.KnownHosts != "" {
		words = append(words, "-o", quoteWord("UserKnownHostsFile="+f.KnownHosts))
	}
	if len(h.SSH.Jump) > 0 {
		words = append(words, "-J", quoteWord(strings.Join(h.SSH.Jump, ",")))
	}
	user := h.SSH.User
	if user == "" {
		user = "root"
	}
	if user != "root" && h.SSH.Sudo {
		words, command = append(words, "-t"), "sudo "+command // a terminal, for sudo may ask for a password
	}
	words = append(words, quoteWord(user+"@"+h.SSH.Address))
	if plainRE.MatchString(strings.ReplaceAll(command, " ", "")) {
		return strings.Join(append(words, command), " ")
	}
	return strings.Join(append(words, quoteWord(command)), " ")
}

var plainRE = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./\[\]-]+$`)

// quoteWord quotes for a POSIX shell, in double quotes where that is easier to
// read.
func quoteWord(s string) string {
	if plainRE.MatchString(s) {
		return s
	}
	if strings.Contains(s, "'") && !strings.ContainsAny(s, "\"$`\\!") {
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
