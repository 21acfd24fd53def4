package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

// limitFlag adds --limit, with the groups and the hosts' names as its completion.
func (a *app) limitFlag(cmd *cobra.Command, limit *[]string, use string) {
	cmd.Flags().StringSliceVar(limit, "limit", nil, use)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("limit") && len(*limit) == 0 { // --limit "$HOST" with HOST unset must not mean all hosts
			return ui.Usagef("name the hosts, or leave --limit out for all", "--limit names no host")
		}
		return nil
	}
	_ = cmd.RegisterFlagCompletionFunc("limit", func(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		done := ""
		if i := strings.LastIndexAny(typed, ",!"); i >= 0 {
			done = typed[:i+1]
		}
		var out []string
		for _, group := range slices.Sorted(maps.Keys(session.LimitGroups)) {
			out = append(out, cobra.CompletionWithDesc(done+group, "every "+session.LimitGroups[group]))
		}
		for _, h := range a.completionHosts() {
			out = append(out, cobra.CompletionWithDesc(done+h.Name, h.Role))
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// completionHosts reads the hosts for the shell, which wants no messages.
func (a *app) completionHosts() []inventory.HostRole {
	fabric, _, err := inventory.Load(a.File)
	if err != nil {
		return nil
	}
	return fabric.Hosts()
}
