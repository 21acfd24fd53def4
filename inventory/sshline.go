package inventory

import (
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// SSHLine returns a line to paste into the operator's shell that runs a command on a host. It is
// made of what the inventory says about the way to the host; the rest is up to ~/.ssh/config.
//
// The command is one line for a shell, whose arguments are quoted already. If the user is not root
// and becomes root by sudo, the command runs under sudo, on a terminal that it can ask on.
func (f *Fabric) SSHLine(h Host, command string) string {
	words := []string{"ssh"}
	if h.SSH.Port != 0 && h.SSH.Port != 22 {
		words = append(words, "-p", strconv.Itoa(h.SSH.Port))
	}
	for _, key := range h.SSH.Keys {
		words = append(words, "-i", shellescape.Quote(key))
	}
	if f.KnownHosts != "" {
		words = append(words, "-o", shellescape.Quote("UserKnownHostsFile="+f.KnownHosts))
	}
	if len(h.SSH.Jump) > 0 {
		words = append(words, "-J", shellescape.Quote(strings.Join(h.SSH.Jump, ",")))
	}
	user := h.SSH.User
	if user == "" {
		user = "root"
	}
	if user != "root" && h.SSH.Sudo {
		words, command = append(words, "-t"), "sudo "+command
	}
	words = append(words, shellescape.Quote(user+"@"+h.SSH.Address))
	switch plain := strings.ReplaceAll(command, " ", ""); {
	case shellescape.Quote(plain) == plain: // ssh puts the words together with spaces again
		words = append(words, command)
	case strings.Contains(command, "'") && !strings.ContainsAny(command, "\"$`\\!"):
		words = append(words, `"`+command+`"`) // easier to read than single quotes within single quotes
	default:
		words = append(words, shellescape.Quote(command))
	}
	return strings.Join(words, " ")
}
