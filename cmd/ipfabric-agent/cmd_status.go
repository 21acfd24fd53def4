package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-agent/internal/api"
)

func (c *cli) statusCommand() *cobra.Command {
	var asJSON, exitCode bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say how the agent and the node's VMs are",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := c.client().Status(cmd.Context())
			if err != nil {
				return err
			}
			if err := printStatus(c.stdout, s, asJSON); err != nil {
				return err
			}
			if exitCode && !s.Healthy {
				return exitError{code: 4}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 4 if the agent is not healthy")
	return cmd
}

func printStatus(w io.Writer, s api.Status, asJSON bool) error {
	if asJSON {
		return printJSON(w, s)
	}
	health := "healthy"
	if !s.Healthy {
		health = "NOT HEALTHY"
	}
	fmt.Fprintf(w, "node %s of fabric %s: %s\n", s.Config.Node, s.Config.Fabric, health)
	for _, p := range s.Problems {
		fmt.Fprintf(w, "  problem: %s\n", p)
	}
	for _, p := range s.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", p)
	}
	up := time.Duration(s.UptimeSec) * time.Second
	_, err := fmt.Fprintf(w, "agent %s, up for %s, configuration %s\n", s.Version, up, s.Config.File)
	return err
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
