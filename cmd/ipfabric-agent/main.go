package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-agent/internal/api"
	"ipfabric/inventory/vm"
)

// The linker sets these: -X main.version=v1.2.3 -X main.committed=1795488351.
var (
	version   string // of the program, as git describe names it
	committed string // when its commit was made, in seconds since 1970
)

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
	if err.Error() == "" {
		return code
	}
	e := vm.ErrorOf(err, exit.kind())
	if wantsJSON(args) {
		line, _ := json.Marshal(e) // strings alone
		fmt.Fprintf(stderr, "%s\n", line)
		return code
	}
	fmt.Fprintf(stderr, "ipfabric-agent: %s\n", e.Msg)
	if e.Next != "" {
		fmt.Fprintf(stderr, "hint: %s\n", e.Next)
	}
	return code
}

// wantsJSON says whether an error is to be printed as one line of JSON: for a
// caller that asked for JSON, and for ipfabric, which sends its protocol. It
// looks at the arguments themselves, as the error may be about these.
func wantsJSON(args []string) bool {
	return slices.ContainsFunc(args, func(a string) bool {
		return a == "--json" || a == "--protocol" || strings.HasPrefix(a, "--protocol=")
	})
}

// An exitError asks for an exit code other than 1.
type exitError struct {
	code int
	msg  string
	hint string
	// problem says that the command was done, and its VM has a problem.
	problem bool
}

func (e exitError) Error() string { return e.msg }
func (e exitError) Hint() string  { return e.hint }

// kind is the code of the error for programs, unless it has a better one.
func (e exitError) kind() vm.Code {
	switch {
	case e.code == 64:
		return vm.Usage
	case e.problem:
		return vm.Problem
	}
	return vm.Internal
}

func usage(format string, args ...any) error {
	return exitError{code: 64, msg: fmt.Sprintf(format, args...), hint: "ipfabric-agent help"}
}

// A cli is what the commands have in common.
type cli struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	socket         string
	protocol       int // what ipfabric speaks; 0: the caller is not ipfabric
}

func (c *cli) client() *api.Client {
	client := api.NewClient(c.socket)
	client.Protocol = c.protocol
	return client
}

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
	root.PersistentFlags().IntVar(&c.protocol, "protocol", 0, "the protocol that the calling ipfabric speaks")
	_ = root.PersistentFlags().MarkHidden("protocol")
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
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return printJSON(c.stdout, build())
			}
			_, err := fmt.Fprintf(c.stdout, "ipfabric-agent %s\n", programVersion())
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: version, committed (the time of its commit), protocol")
	return cmd
}

// build says which build of the agent this is.
func build() vm.Build {
	b := vm.Build{Version: programVersion(), Protocol: vm.Protocol}
	if sec, err := strconv.ParseInt(committed, 10, 64); err == nil && sec > 0 {
		b.Committed = time.Unix(sec, 0).UTC()
	}
	return b
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
