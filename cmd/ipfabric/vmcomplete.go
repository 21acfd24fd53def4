package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/inventory"
	"ipfabric/remote"
	"ipfabric/steps/vms"
)

// completionLimit is how long somebody who presses Tab waits for the VMs' names.
const completionLimit = 3 * time.Second

// completeVM offers the names of the VMs that the nodes have. It asks nobody
// anything, accepts no new host key, and leaves out who does not answer in time.
func (a *app) completeVM(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	fabric, _, err := inventory.Load(a.File)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	login, _ := a.LookupEnv(session.EnvLoginPassword)
	sudo, _ := a.LookupEnv(session.EnvSudoPassword)
	client, err := remote.New(remote.Config{
		KnownHosts: fabric.KnownHosts, DialTimeout: completionLimit, ConnectTimeout: completionLimit, ConnectRetry: -1, LoginPassword: login, SudoPassword: sudo,
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer client.Close()
	ctx := cmd.Context()
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, completionLimit)
	defer cancel()
	hosts := session.NewFleet(func(name string) (session.Machine, error) {
		h, _ := fabric.Host(name)
		return client.Host(session.SSHTarget(fabric, h)), nil
	})
	c := &vms.Control{Fabric: fabric, Connect: hosts.Connect}
	return c.Names(ctx), cobra.ShellCompDirectiveNoFileComp
}

// completeReflectors offers the names of the route reflectors for a list.
func (a *app) completeReflectors(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, h := range a.completionHosts() {
		if h.Role == inventory.RoleRouteReflector {
			out = append(out, h.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
