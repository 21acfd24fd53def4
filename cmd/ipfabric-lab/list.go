package main

import (
	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric-lab/internal/plan"
)

// A listed machine, as list --json has it.
type listed struct {
	plan.Machine
	State   string `json:"state"` // "running" or "stopped"
	OS      string `json:"os"`
	Console string `json:"console"` // file with the console's output
}

func (a *app) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the machines and whether they run",
		Args:  noArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON array")
	cmd.RunE = func(*cobra.Command, []string) error {
		l, err := a.open()
		if err != nil {
			return err
		}
		machines, err := l.Machines()
		if err != nil {
			return err
		}
		all := []listed{}
		for _, m := range machines {
			state := "stopped"
			if m.Running() {
				state = "running"
			}
			all = append(all, listed{m.Machine, state, m.OS, m.Console()})
		}
		if asJSON {
			return a.say.json(all)
		}
		if len(all) == 0 {
			a.say.progress("no machines in %s; `ipfabric-lab up` makes some", l.Dir)
			return nil
		}
		rows := [][]string{{"NAME", "STATE", "ROLE", "OS", "IPV4", "IPV6"}}
		for _, m := range all {
			rows = append(rows, []string{m.Name, m.State, string(m.Role), m.OS, m.IPv4.String(), m.IPv6.String()})
		}
		return a.say.table(rows)
	}
	return cmd
}
