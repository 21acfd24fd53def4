package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
	"ipfabric/cmd/ipfabric/internal/ui"
)

func (a *app) initCommand() *cobra.Command {
	var opts session.InitOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the hosts what the inventory says",
		Long: `Init makes the hosts what the inventory says, and can be run as often as you
like: it does only what is left to do. It

  1. looks at all hosts at the same time and shows what differs,
  2. asks whether to apply it,
  3. applies it: all hosts get their packages, then the route reflectors their
     configuration one after the other, then the nodes theirs,
  4. prints the core gateways' configuration, which you put in place yourself,
     or what differs from the one it printed last, if a route reflector was changed,
  5. verifies both ends of every BGP session, as ipfabric verify does.

A host that is down is left out; the others are done, and the next run does the
rest. A changed host key or a refused login ends the run before any host is
touched. The first Ctrl-C lets finish what runs, the second stops at once.

Exit codes: 0 done and healthy, 1 error, 3 some hosts failed, 4 done, but the
verification found a problem, 130 interrupted.`,
		Example: `  ipfabric init
  ipfabric init --yes --limit node7,node8
  ipfabric init --limit '@nodes,!node3'
  ipfabric init --dry-run
  ipfabric init --upgrade-frr --limit rr1`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.WaitSet = cmd.Flags().Changed("wait")
			if opts.Parallel < 1 {
				return ui.Usagef("give at least 1", "--parallel: %d hosts at the same time", opts.Parallel)
			}
			if opts.DryRun {
				return a.showPlan(cmd.Context(), opts.PlanOptions)
			}
			return a.init(cmd.Context(), opts)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.DryRun, "dry-run", false, "only show what would be changed, as plan does")
	f.BoolVarP(&opts.Yes, "yes", "y", false, "apply without asking")
	a.limitFlag(cmd, &opts.Limit, "work on these hosts only (`HOST,...`): names, patterns such as node*, @rrs, @nodes; !HOST leaves one out")
	f.BoolVar(&opts.Adopt, "adopt", false, "take over a frr.conf that ipfabric did not write; a copy stays on the host")
	f.BoolVar(&opts.Loss, "accept-session-loss", false, "keep the changes even if BGP sessions that were up do not come back")
	f.BoolVar(&opts.Downgrade, "downgrade-agent", false, "replace agents that are newer than this ipfabric's")
	f.BoolVar(&opts.Upgrade, "upgrade-frr", false, "upgrade FRR to the newest version of its source, one host after the other")
	f.DurationVar(&opts.Wait, "wait", time.Minute, "how long the verification after changes may wait until all is healthy")
	f.IntVar(&opts.Parallel, "parallel", 10, "change at most `N` hosts at the same time, once the first has gone well")
	f.BoolVar(&opts.NoVerify, "no-verify", false, "do not verify at the end")
	return cmd
}

// init is the whole run.
func (a *app) init(ctx context.Context, opts session.InitOptions) error {
	s, err := a.Open(ctx, "init", opts.Limit)
	if err != nil {
		return err
	}
	defer s.Close()
	plan, err := s.Plan(opts.PlanOptions)
	if err != nil {
		return err
	}
	return s.Converge(ctx, plan, opts)
}
