package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/inventory"
)

// load reads the inventory and prints its warnings.
func (a *app) load() (*inventory.Fabric, error) {
	fabric, warnings, err := inventory.Load(a.file)
	if err != nil {
		return nil, usage(err)
	}
	for _, w := range warnings {
		a.say.warn("%s", w)
	}
	return fabric, nil
}

// loadForHosts reads the inventory and what it names: the keys, and the
// secrets, which nothing prints from now on.
func (a *app) loadForHosts() (*inventory.Fabric, error) {
	fabric, err := a.load()
	if err != nil {
		return nil, err
	}
	if err := fabric.CheckFiles(); err != nil {
		return nil, usage(err)
	}
	if err := fabric.ReadSecrets(a.env, inventory.ReadSecretFile); err != nil {
		return nil, usage(err)
	}
	a.mask.hide(fabric.BGP.Password.Reveal())
	return fabric, nil
}

// limited checks the names of --limit, and returns them without doubles.
func limited(fabric *inventory.Fabric, limit []string) ([]string, error) {
	var all, out []string
	for _, h := range fabric.Hosts() {
		all = append(all, h.Name)
	}
	for _, name := range limit {
		name = strings.TrimSpace(name)
		if slices.Contains(out, name) {
			continue
		}
		if !slices.Contains(all, name) {
			hint := "the fabric's hosts are " + strings.Join(all, ", ")
			if near := inventory.Nearest(name, all); near != "" {
				hint = fmt.Sprintf("did you mean %s?", near)
			}
			return nil, usagef(hint, "--limit: the fabric has no host %q", name)
		}
		out = append(out, name)
	}
	return out, nil
}

// limitFlag adds --limit, with the hosts' names as its completion.
func (a *app) limitFlag(cmd *cobra.Command, limit *[]string, use string) {
	cmd.Flags().StringSliceVar(limit, "limit", nil, use)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("limit") && len(*limit) == 0 { // --limit "$HOST" with HOST unset must not mean all hosts
			return usagef("name the hosts, or leave --limit out for all", "--limit names no host")
		}
		return nil
	}
	_ = cmd.RegisterFlagCompletionFunc("limit", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		done := ""
		if i := strings.LastIndex(typed, ","); i >= 0 {
			done = typed[:i+1]
		}
		var out []string
		for _, h := range a.completionHosts() {
			out = append(out, cobra.CompletionWithDesc(done+h.Name, h.Role))
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// completionHosts reads the hosts for the shell, which wants no messages.
func (a *app) completionHosts() []inventory.HostRole {
	fabric, _, err := inventory.Load(a.file)
	if err != nil {
		return nil
	}
	return fabric.Hosts()
}
