package main

import (
	"context"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
)

func (a *app) planCommand() *cobra.Command {
	var opts session.PlanOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what init would change",
		Long: `Plan looks at all hosts at the same time and shows what init would change there.
It changes nothing. It is init --dry-run.

Exit codes: 0 nothing to do, 2 there are changes, 3 some hosts could not be
looked at, 1 none could, or a login or host key was not as expected.`,
		Example: `  ipfabric plan
  ipfabric plan --limit node3 --verbose
  ipfabric plan --json | jq '.hosts[] | select(.state == "differs") | .host'`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.showPlan(cmd.Context(), opts) },
	}
	a.limitFlag(cmd, &opts.Limit, "look at these hosts only (`HOST,...`): names, patterns such as node*, @rrs, @nodes; !HOST leaves one out")
	cmd.Flags().BoolVar(&opts.Adopt, "adopt", false, "plan to take over a frr.conf that ipfabric did not write")
	cmd.Flags().BoolVar(&opts.Downgrade, "downgrade-agent", false, "plan to replace agents that are newer than this ipfabric's")
	cmd.Flags().BoolVar(&opts.Upgrade, "upgrade-frr", false, "plan to upgrade FRR to the newest version of its source (fetches the package lists)")
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print the plan as JSON")
	return cmd
}

// showPlan looks, prints, and its error has the exit code that says what there
// is to do.
func (a *app) showPlan(ctx context.Context, opts session.PlanOptions) error {
	s, err := a.Open(ctx, "plan", opts.Limit)
	if err != nil {
		return err
	}
	defer s.Close()
	plan, err := s.Plan(opts)
	if err != nil {
		return err
	}
	return s.Preview(ctx, plan, opts)
}
