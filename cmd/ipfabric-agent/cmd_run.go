package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ipfabric/cmd/ipfabric-agent/internal/api"
	"ipfabric/cmd/ipfabric-agent/internal/dataplane"
	"ipfabric/cmd/ipfabric-agent/internal/engine"
	"ipfabric/cmd/ipfabric-agent/internal/firewall"
	"ipfabric/cmd/ipfabric-agent/internal/frr"
	"ipfabric/cmd/ipfabric-agent/internal/guest"
	"ipfabric/cmd/ipfabric-agent/internal/kernel"
	"ipfabric/cmd/ipfabric-agent/internal/libvirt"
	"ipfabric/cmd/ipfabric-agent/internal/lxd"
	"ipfabric/cmd/ipfabric-agent/internal/metrics"
	"ipfabric/cmd/ipfabric-agent/internal/reach"
	"ipfabric/cmd/ipfabric-agent/internal/store"
	"ipfabric/inventory"
	"ipfabric/inventory/vm"
)

// runOptions say where everything is. They have flags, so that more than one
// agent can be tried on a machine, in a network namespace each.
type runOptions struct {
	config    string
	state     string
	bgpd      string
	lxd       string
	protocols string
	// Where libvirt keeps its domains' definitions, and notes which of them run.
	libvirtDefined, libvirtRunning string
	verbose                        bool
}

func (o *runOptions) lxdSockets() []string {
	if o.lxd != "" {
		return []string{o.lxd}
	}
	return lxd.Sockets()
}

func (c *cli) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent (systemd does this)",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd.Context(), newLog(c.stderr, o.verbose), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.config, "config", defaultConfig, "the agent's configuration, written by ipfabric init")
	flags.StringVar(&o.state, "state", defaultState, "the folder that holds the VMs")
	flags.StringVar(&o.bgpd, "bgpd-socket", frr.Socket, "where bgpd listens for commands")
	flags.StringVar(&o.lxd, "lxd-socket", "", "where LXD or Incus listens (default: where it usually does)")
	flags.StringVar(&o.libvirtDefined, "libvirt-defined", libvirt.DefinedDir, "where libvirt keeps the definitions of its domains")
	flags.StringVar(&o.libvirtRunning, "libvirt-running", libvirt.RunningDir, "where libvirt notes which domains run")
	flags.StringVar(&o.protocols, "rt-protos", "/etc/iproute2/rt_protos.d/ipfabric.conf", "the file that tells iproute2 the name of the agent's routes")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "log every change")
	return cmd
}

// newLog logs without the time: the journal has its own.
func newLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	noTime := func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: noTime}))
}

// A task is something that runs for as long as the agent does. It is stopped
// by its context, to which it answers with nil.
type task struct {
	name string
	run  func(context.Context) error
}

// serve is the daemon.
func (c *cli) serve(ctx context.Context, log *slog.Logger, o runOptions) error {
	config, loaded, err := loadConfig(o.config)
	if err != nil {
		return err
	}
	// First of all: two agents must not both change the kernel.
	listener, err := api.Listen(c.socket)
	if err != nil {
		return err
	}
	defer listener.Close()
	e, watch, closeKernel, err := newEngine(log, config, loaded, o)
	if err != nil {
		return err
	}
	defer closeKernel()
	if err := nameProtocol(o.protocols); err != nil {
		log.Warn("ip route will show the agent's routes as proto 201", "err", err)
	}
	server := &api.Server{Backend: e, Log: log}
	tasks := []task{
		{"the API", func(ctx context.Context) error { return server.Serve(ctx, listener) }},
		{"the kernel's events", func(ctx context.Context) error { return watch.Run(ctx, e.Changed) }},
		{"the VMs", e.Run},
		{"systemd", func(ctx context.Context) error { return notifySystemd(ctx, e.Alive) }},
	}
	if config.MetricsListen != "" {
		tasks = append(tasks, metricsTask(log, config.MetricsListen, e))
	}
	if config.Virtualization == "lxd" {
		follower := &lxd.Follower{
			Sockets: o.lxdSockets(),
			Set: func(ctx context.Context, vms []vm.VM, broken map[string]error) error {
				return e.SetSource(ctx, vm.LXD, vms, broken)
			},
			Note: func(warning string) { e.Note("lxd", warning) },
		}
		tasks = append(tasks, task{"LXD", follower.Run})
	}
	e.Start(ctx)
	e.Learn(ctx)
	return runTasks(ctx, log, tasks)
}

// newEngine connects the engine to the kernel, the disk and FRR. The
// subscription to the kernel's events begins before the engine first looks.
func newEngine(log *slog.Logger, config *inventory.AgentConfig, loaded vm.Config, o runOptions) (*engine.Engine, *kernel.Watch, func(), error) {
	vms, err := store.Open(o.state)
	if err != nil {
		return nil, nil, nil, err
	}
	rules, err := firewall.Open(engine.FirewallOptions(config))
	if err != nil {
		return nil, nil, nil, err
	}
	k, err := kernel.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	binary, err := ownBinary()
	if err != nil {
		return nil, nil, nil, err
	}
	look, err := reach.Open()
	if err != nil {
		k.Close()
		return nil, nil, nil, err
	}
	closeAll := func() { k.Close(); look.Close() }
	watch, err := kernel.Subscribe(rules.Ours)
	if err != nil {
		closeAll()
		return nil, nil, nil, err
	}
	e := engine.New(engine.Options{
		Build:     build(),
		Binary:    binary,
		Loaded:    loaded,
		Config:    config,
		Store:     vms,
		Kernel:    k,
		Firewall:  rules,
		Reach:     look.Ask,
		Sessions:  func(ctx context.Context) ([]vm.Session, error) { return frr.Sessions(ctx, o.bgpd) },
		Guest:     guest.Wait,
		Defined:   (&libvirt.Definitions{Dir: o.libvirtDefined}).VMs,
		Running:   func() []libvirt.Domain { return libvirt.Running(o.libvirtRunning) },
		Neighbors: kernel.NeighborTables,
		Log:       log,
	})
	return e, watch, closeAll, nil
}

// metricsTask serves Prometheus. An address that is not there yet, such as one
// that an uplink gets later, must not keep the VMs from being served.
func metricsTask(log *slog.Logger, address string, e *engine.Engine) task {
	handler := metrics.Handler(metrics.New(e.Status))
	return task{"metrics", func(ctx context.Context) error {
		for {
			listener, err := net.Listen("tcp", address)
			if err == nil {
				e.Note("metrics", "")
				return metrics.Serve(ctx, listener, handler)
			}
			e.Note("metrics", fmt.Sprintf("no metrics: %v", err))
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(10 * time.Second):
			}
		}
	}}
}

// nameProtocol tells iproute2 the name of the agent's routes: "proto ipfabric".
func nameProtocol(file string) error {
	line := fmt.Sprintf("# Written by ipfabric-agent.\n%d\tipfabric\n", dataplane.Protocol)
	if have, err := os.ReadFile(file); err == nil && string(have) == line {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(line), 0o644); err != nil {
		return err
	}
	return os.Chmod(file, 0o644) // whatever the umask: it is for everybody's ip route
}

// runTasks runs all tasks until ctx is done or one of them fails.
func runTasks(ctx context.Context, log *slog.Logger, tasks []task) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, t := range tasks {
		group.Go(func() error {
			err := t.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if ctx.Err() == nil {
				return fmt.Errorf("%s: ended by itself", t.name)
			}
			return nil
		})
	}
	err := group.Wait()
	log.Info("stopped: routes and interfaces stay as they are")
	return err
}

// notifySystemd says that the agent is ready, and keeps the watchdog quiet for
// as long as the agent gives signs of life.
func notifySystemd(ctx context.Context, alive func() time.Time) error {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		return err
	}
	defer daemon.SdNotify(false, daemon.SdNotifyStopping)
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return err
	}
	if interval == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(interval / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if time.Since(alive()) > interval/2 {
			continue // systemd restarts the agent, which withdraws nothing
		}
		if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
			return err
		}
	}
}

// loadConfig reads the configuration and says which one it was.
func loadConfig(file string) (*inventory.AgentConfig, vm.Config, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, vm.Config{}, exitError{
			code: 1,
			msg:  fmt.Sprintf("%s: there is no such file", file),
			hint: "ipfabric init, run on the operator's machine, writes it",
		}
	}
	if err != nil {
		return nil, vm.Config{}, err
	}
	cfg, err := inventory.ParseAgentConfig(data)
	if err != nil {
		return nil, vm.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	sum := sha256.Sum256(data)
	return cfg, vm.Config{
		File:   file,
		SHA256: hex.EncodeToString(sum[:]),
		Fabric: cfg.Fabric,
		Node:   cfg.Node,
	}, nil
}
