package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

const rootHelp = `ipfabric builds and checks an IP fabric: hypervisor nodes that route for their
virtual machines, route reflectors that pass on the machines' /32 and /128
routes over iBGP, and core gateways that bring the traffic in.

It reads one file, fabric.yaml, and works over SSH. It runs on your machine,
keeps no server, and changes nothing that it has not shown before.

A first fabric:
  ipfabric inventory example > fabric.yaml    a commented file to start from
  ipfabric inventory check                    say what is wrong with it
  ipfabric plan                               what would be changed, on which host
  ipfabric init                               show it, ask, do it, verify it
  ipfabric gateway                            the core gateways' configuration
  ipfabric verify                             both ends of every BGP session`

const rootHelpTail = `
Exit codes:
  0    all is well; plan: nothing to do; verify: healthy
  1    an error, such as a changed host key or a refused login
  2    plan: there are changes to make
  3    some hosts failed, the others are done; run it again for the rest
  4    verify found a problem
  64   the command line or the inventory is wrong; no host was touched
  130  interrupted

Environment:
  IPFABRIC_FILE           the inventory, as --file
  IPFABRIC_SSH_PASSWORD   for hosts that take no key; without it, you are asked
  IPFABRIC_SUDO_PASSWORD  for users who are not root; without it, you are asked
  NO_COLOR                no colour
  SSH_AUTH_SOCK           the ssh agent whose keys are tried
  XDG_STATE_HOME          log files go to ipfabric/log below it (default ~/.local/state)
`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:               "ipfabric",
		Short:             "build and check an IP fabric over SSH",
		Long:              rootHelp,
		SilenceErrors:     true, // run prints them
		SilenceUsage:      true,
		Args:              unknownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error { return a.checkFlags() },
	}
	f := root.PersistentFlags()
	f.StringVarP(&a.File, "file", "f", a.DefaultFile(), "the inventory `FILE` (env IPFABRIC_FILE)")
	f.StringVar(&a.Progress, "progress", "auto", "how progress is shown on standard error: auto, plain, live or json")
	f.StringVar(&a.LogFile, "log-file", "", "append the run's log to `FILE` instead of a file of its own")
	f.BoolVarP(&a.Say.Verbose, "verbose", "v", false, "show each remote command, each step and whole files")
	f.BoolVar(&a.AcceptNew, "accept-new-host-keys", false, "take the key of a host seen for the first time; a changed key is always refused")
	f.BoolVar(&a.AskLogin, "ask-password", false, "ask for the password of the SSH login at once, not when a host wants it")
	f.BoolVar(&a.AskSudo, "ask-sudo-password", false, "ask for the password of sudo at once, not when a host wants it")
	_ = root.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(progressModes, cobra.ShellCompDirectiveNoFileComp))
	_ = root.MarkPersistentFlagFilename("file", "yaml", "yml")

	root.AddGroup(
		&cobra.Group{ID: "fabric", Title: "The fabric:"},
		&cobra.Group{ID: "vms", Title: "The VMs:"},
		&cobra.Group{ID: "inventory", Title: "Its description:"},
		&cobra.Group{ID: "tool", Title: "This program:"},
	)
	root.AddCommand(
		grouped("fabric", a.initCommand()),
		grouped("fabric", a.planCommand()),
		grouped("fabric", a.verifyCommand()),
		grouped("fabric", a.gatewayCommand()),
		grouped("vms", a.vmCommand()),
		grouped("inventory", a.inventoryCommand()),
		grouped("tool", a.versionCommand()),
	)
	root.SetHelpCommand(a.helpCommand())
	root.SetHelpCommandGroupID("tool")
	root.SetCompletionCommandGroupID("tool")
	root.SetFlagErrorFunc(flagError)
	root.Version = buildInfo().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version")
	cobra.EnableCommandSorting = false
	root.SetUsageTemplate(root.UsageTemplate() + "{{if not .HasParent}}" + rootHelpTail + "{{end}}")
	return root
}

func grouped(id string, cmd *cobra.Command) *cobra.Command {
	cmd.GroupID = id
	return cmd
}

var progressModes = []string{"auto", "plain", "live", "json"}

// checkFlags looks at the flags that all commands have.
func (a *app) checkFlags() error {
	switch a.Progress {
	case "auto", "plain":
	case "live":
		a.Say.Warn("the live view is not there yet; progress is plain")
	case "json":
		a.Say.JSON, a.Ask = true, nil
	default:
		return ui.Usagef("write --progress "+strings.Join(progressModes, ", --progress "), "--progress cannot be %q", a.Progress)
	}
	return nil
}

// unknownCommand is the Args of a command that only has others below it.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("`%s --help` lists the commands", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		hint = fmt.Sprintf("did you mean `%s %s`?", cmd.CommandPath(), names[0])
	}
	return ui.Usagef(hint, "unknown command %q", cmd.CommandPath()+" "+args[0])
}

// arguments wraps cobra's checks of the number of arguments.
func arguments(check cobra.PositionalArgs, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		return ui.Usagef(fmt.Sprintf("usage: %s", cmd.UseLine()), "%s takes %s, not %d arguments", cmd.CommandPath(), want, len(args))
	}
}

func noArguments() cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return ui.Usagef(fmt.Sprintf("usage: %s", cmd.UseLine()), "%s takes no argument such as %q", cmd.CommandPath(), args[0])
	}
}

// flagError adds to pflag's error which flag was probably meant.
func flagError(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("`%s --help` lists the flags", cmd.CommandPath())
	name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if unknown {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := inventory.Nearest(name, names); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return ui.Usage(ui.WithHint(err, hint))
}
