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
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"ipfabric/cmd/ipfabric-agent/internal/api"
	"ipfabric/cmd/ipfabric-agent/internal/engine"
	"ipfabric/inventory"
)

func (c *cli) runCommand() *cobra.Command {
	var config string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the agent (systemd does this)",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.serve(cmd.Context(), newLog(c.stderr, verbose), config)
		},
	}
	cmd.Flags().StringVar(&config, "config", defaultConfig, "the agent's configuration, written by ipfabric init")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every change and every event")
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
func (c *cli) serve(ctx context.Context, log *slog.Logger, configFile string) error {
	_, loaded, err := loadConfig(configFile)
	if err != nil {
		return err
	}
	listener, err := api.Listen(c.socket)
	if err != nil {
		return err
	}
	defer listener.Close()
	e := &engine.Engine{Version: programVersion(), Config: loaded, Started: time.Now()}
	server := &api.Server{Backend: e, Log: log}
	return runTasks(ctx, log, []task{
		{"the API", func(ctx context.Context) error { return server.Serve(ctx, listener) }},
		{"systemd", notifySystemd},
	})
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

// notifySystemd says that the agent is ready, and keeps the watchdog quiet.
func notifySystemd(ctx context.Context) error {
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
	tick := time.NewTicker(interval / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := daemon.SdNotify(false, daemon.SdNotifyWatchdog); err != nil {
				return err
			}
		}
	}
}

// loadConfig reads the configuration and says which one it was.
func loadConfig(file string) (*inventory.AgentConfig, api.Config, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.Config{}, exitError{
			code: 1,
			msg:  fmt.Sprintf("%s: there is no such file", file),
			hint: "ipfabric init, run on the operator's machine, writes it",
		}
	}
	if err != nil {
		return nil, api.Config{}, err
	}
	cfg, err := inventory.ParseAgentConfig(data)
	if err != nil {
		return nil, api.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	sum := sha256.Sum256(data)
	return cfg, api.Config{
		File:   file,
		SHA256: hex.EncodeToString(sum[:]),
		Fabric: cfg.Fabric,
		Node:   cfg.Node,
	}, nil
}
