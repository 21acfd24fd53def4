package main

import "github.com/spf13/cobra"

func (a *app) startCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "start NAME",
		Short:             "boot a machine that was stopped, with the disk it had",
		Args:              oneName,
		PreRunE:           a.needRoot,
		ValidArgsFunction: a.names,
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := a.open()
			if err != nil {
				return err
			}
			return l.Start(cmd.Context(), args[0])
		},
	}
}
