package main

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
)

func (a *app) sshCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ssh NAME [COMMAND…]",
		Short: "log in to a machine as root, or run a command there",
		Long: `Logs in to a machine as root with the lab's key, by the system's ssh. With a
command, runs that and ends with its exit code (255 if ssh itself failed).
As with ssh, the words of the command are joined by spaces and given to the
shell of the machine. Flags for ipfabric-lab stand before NAME or directly after
it. Flags that follow are ssh's, up to the command: "ssh node1 -t virsh console db".`,
		Example: `  ipfabric-lab ssh node1
  ipfabric-lab ssh rr1 "vtysh -c 'show bgp summary'"
  ipfabric-lab ssh node2 'ip route | grep 203.0.113'`,
		ValidArgsFunction: a.names,
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return hint.Add(usageError{errors.New("ssh wants the name of a machine")},
			"`ipfabric-lab list` names them; usage: %s", cmd.UseLine())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		words, err := ownFlags(cmd, args[1:])
		if err != nil {
			return err
		}
		if help, _ := cmd.Flags().GetBool("help"); help {
			return cmd.Help()
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		m, err := l.Machine(args[0])
		if err != nil {
			return err
		}
		if err := l.CheckReachable(m); err != nil {
			return err
		}
		argv := l.SSHArgs(m, words...)
		// Not bound to the context: Ctrl-C reaches ssh as well, which knows what
		// to do with it.
		c := exec.Command(argv[0], argv[1:]...)
		c.Stdin, c.Stdout, c.Stderr = a.in, a.say.out, a.say.errout
		err = c.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
				return exitStatus(128 + int(status.Signal()))
			}
			return exitStatus(exit.ExitCode())
		}
		return err
	}
	return cmd
}

// ownFlags parses the flags of ipfabric-lab at the front of the words after a
// machine's name, and returns the words that follow them, which are for ssh.
func ownFlags(cmd *cobra.Command, words []string) ([]string, error) {
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		name, _, hasValue := strings.Cut(words[0][2:], "=")
		flag := cmd.Flags().Lookup(name)
		if flag == nil {
			break
		}
		n := 1
		if !hasValue && flag.NoOptDefVal == "" {
			n = min(2, len(words)) // its value is the next word
		}
		if err := cmd.ParseFlags(words[:n]); err != nil {
			return nil, cmd.FlagErrorFunc()(cmd, err)
		}
		words = words[n:]
	}
	return words, nil
}
