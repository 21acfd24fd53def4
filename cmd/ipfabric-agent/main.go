package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-agent/internal/api"
)

// version is set by the linker: -X main.version=1.2.3.
var version string

const (
	defaultConfig = "/etc/ipfabric/agent.yaml"
	defaultSocket = "/run/ipfabric/agent.sock"
	defaultState  = "/var/lib/ipfabric"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit code: 0 done, 1 an error, 4
// the agent is not healthy (status --exit-code), 64 usage.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(stdin, stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code := 1
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	if msg := err.Error(); msg != "" {
		fmt.Fprintf(stderr, "ipfabric-agent: %s\n", msg)
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(stderr, "hint: %s\n", hinted.Hint())
	}
	return code
}

// An exitError asks for an exit code other than 1.
type exitError struct {
	code int
	msg  string
	hint string
}

func (e exitError) Error() string { return e.msg }
func (e exitError) Hint() string  { return e.hint }

func usage(format string, args ...any) error {
	return exitError{code: 64, msg: fmt.Sprintf(format, args...), hint: "ipfabric-agent help"}
}

// A cli is what the commands have in common.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	socket         string
}

func (c *cli) client() *api.Client { return api.NewClient(c.socket) }

func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	c := &cli{stdin: stdin, stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:           "ipfabric-agent",
		Short:         "Keeps a node's VMs connected to the IP fabric",
		Args:          noCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%v", err) })
	root.PersistentFlags().StringVar(&c.socket, "socket", defaultSocket, "the agent's unix socket")
	root.AddCommand(
		c.runCommand(),
		c.statusCommand(),
		c.vmCommand(),
		c.drainCommand(),
		c.undrainCommand(),
		c.reconcileCommand(),
		c.hookCommand(),
		c.versionCommand(),
	)
	return root
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(c.stdout, "ipfabric-agent %s\n", programVersion())
			return err
		},
	}
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no argument, but got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// noCommand is the argument check of a command that only has others below it.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s has no command %q", cmd.CommandPath(), args[0])
	}
	return nil
}

// programVersion is what the linker set, or else what Go knows of the build.
func programVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
