package main

import "github.com/spf13/cobra"

func (a *app) stopCommand() *cobra.Command {
	var power bool
	cmd := &cobra.Command{
		Use:   "stop NAME",
		Short: "shut a machine down, or cut its power with --kill",
		Long: `Shuts a machine down as "poweroff" does: services are stopped in order, BGP
sessions are closed. With --kill its power is cut: every process is gone at
once, and the others find out by BFD or the hold timer. The disk is kept either
way; "start" boots the machine again.`,
		Args:              oneName,
		PreRunE:           a.needRoot,
		ValidArgsFunction: a.names,
	}
	cmd.Flags().BoolVar(&power, "kill", false, "cut the power")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		l, err := a.open()
		if err != nil {
			return err
		}
		return l.Stop(cmd.Context(), args[0], power)
	}
	return cmd
}
