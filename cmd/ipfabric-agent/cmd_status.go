package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/inventory/vm"
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

func printStatus(w io.Writer, s vm.Status, asJSON bool) error {
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
	for _, f := range s.Findings {
		if f.Level == vm.IsNote {
			fmt.Fprintf(w, "  note: %s\n", f)
		}
	}
	v := s.VMs
	off := ""
	if v.Off > 0 {
		off = fmt.Sprintf("; %d off", v.Off)
	}
	fmt.Fprintf(w, "VMs: %d wanted, %d with an interface, %d announced, %d about to arrive%s; %d routes\n",
		v.Wanted, v.Present, v.Announced, v.Waiting, off, s.Routes)
	for _, x := range s.FRR.Sessions {
		up := time.Duration(x.UptimeSec) * time.Second
		fmt.Fprintf(w, "BGP with %s (%s): %s for %s, %d prefixes received\n", cmp.Or(x.Name, x.Peer), x.Family, x.State, up, x.Received)
	}
	printDropped(w, s.Dropped)
	up := time.Duration(s.UptimeSec) * time.Second
	_, err := fmt.Fprintf(w, "agent %s, up for %s, configuration %s\n", s.Version, up, s.Config.File)
	return err
}

// printDropped says nothing if nothing was dropped.
func printDropped(w io.Writer, d vm.Dropped) {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(d.Reasons)) {
		if n := d.Reasons[reason]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, reason))
		}
	}
	if len(parts) == 0 {
		return
	}
	fmt.Fprintf(w, "packets dropped: %s\n", strings.Join(parts, ", "))
	for _, name := range slices.Sorted(maps.Keys(d.VMs)) {
		fmt.Fprintf(w, "  %d of VM %s in the last day\n", d.VMs[name], name)
	}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
