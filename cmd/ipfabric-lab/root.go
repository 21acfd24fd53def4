package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/hint"
	"ipfabric/cmd/ipfabric-lab/internal/lab"
)

const rootHelp = `ipfabric-lab boots a fabric of real machines on this host, to try ipfabric
with: route reflectors, nodes, and a core gateway, which is BIRD. Each machine
has its own disk, systemd, sshd and apt. FRR is not installed on them: that is
what ipfabric init is for.

It needs Linux and root. Machines cost some 20 MB of memory each. Nothing is
left on the host by "down" but the cached image in /var/cache/ipfabric-lab.`

const rootExample = `  ipfabric-lab up                              boot 2 reflectors, 3 nodes, 1 core gateway
  ipfabric -f .lab/fabric.yaml init            make a fabric of them
  ipfabric-lab ssh node1 "vtysh -c 'show bgp summary'"
  ipfabric -f .lab/fabric.yaml vm add web --node node1
  ipfabric-lab guest add node1 web             put a guest behind a VM's interface
  ipfabric-lab stop rr1 --kill                 cut the power of a reflector
  ipfabric-lab start rr1
  ipfabric-lab down                            remove it all`

// app is what all commands share.
type app struct {
	say *sayer
	dir string
	in  io.Reader
	uid func() int
}

func rootCommand(say *sayer, in io.Reader) *cobra.Command {
	a := &app{say: say, in: in, uid: os.Geteuid}
	root := &cobra.Command{
		Use:           "ipfabric-lab",
		Short:         "boot a fabric of real machines on this host",
		Long:          rootHelp,
		Example:       rootExample,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&a.dir, "dir", ".lab", "the lab's folder; each folder is a lab of its own")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return hint.Add(usageError{err}, "`%s --help` lists the flags", cmd.CommandPath())
	})
	root.AddCommand(a.upCommand(), a.listCommand(), a.sshCommand(), a.stopCommand(), a.startCommand(),
		a.guestCommand(), a.downCommand())
	root.SuggestionsMinimumDistance = 2
	// An unknown command would otherwise be a word too many for root.
	root.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := usageError{fmt.Errorf("unknown command %q", args[0])}
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			return hint.Add(err, "did you mean `ipfabric-lab %s`?", strings.Join(like, "`, `ipfabric-lab "))
		}
		return hint.Add(err, "`ipfabric-lab --help` lists the commands")
	}
	return root
}

// open returns the lab that --dir names.
func (a *app) open() (*lab.Lab, error) { return lab.Open(a.dir, a.say.progress) }

// noArgs wants nothing but flags.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := usageError{fmt.Errorf("%s takes no arguments, but there is %q", cmd.Name(), args[0])}
	return hint.Add(err, "usage: %s", cmd.UseLine())
}

// oneName wants the name of a machine.
func oneName(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return nil
	}
	err := usageError{fmt.Errorf("%s wants the name of one machine", cmd.Name())}
	return hint.Add(err, "`ipfabric-lab list` names them; usage: %s", cmd.UseLine())
}

// needRoot is the first thing that commands do which change the host.
func (a *app) needRoot(cmd *cobra.Command, _ []string) error {
	if a.uid() == 0 {
		return nil
	}
	return hint.Add(errors.New(cmd.Name()+" needs root: machines, bridges and mounts are made and removed"),
		"sudo %s", cmd.CommandPath())
}

// names completes the names of the lab's machines.
func (a *app) names(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	l, err := a.open()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	machines, _ := l.Machines()
	var out []string
	for _, m := range machines {
		out = append(out, m.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
