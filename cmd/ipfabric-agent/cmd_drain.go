package main

import (
	"github.com/spf13/cobra"
)

func (c *cli) drainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drain",
		Short: "Withdraw all of the node's VMs, until undrain",
		Long: "Withdraw all of the node's VMs. They keep running and keep their interfaces, but\n" +
			"nobody outside of the node reaches them any more. It holds across reboots.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.client().Drain(cmd.Context(), true) },
	}
}

func (c *cli) undrainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undrain",
		Short: "Announce the node's VMs again",
		Args:  noArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return c.client().Drain(cmd.Context(), false) },
	}
}

func (c *cli) reconcileCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "reconcile",
		Short: "Look at everything now, and put right what differs",
		Long: "Look at everything now, and put right what differs. The agent does so by itself\n" +
			"when something changes, and every minute. VM files that were edited by hand\n" +
			"are read here.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.client().Reconcile(cmd.Context()) },
	}
}
