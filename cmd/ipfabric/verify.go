package main

import (
	"github.com/spf13/cobra"

	"ipfabric/cmd/ipfabric/internal/session"
)

func (a *app) verifyCommand() *cobra.Command {
	var opts session.VerifyOptions
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check the hosts, both ends of every BGP session, and the VMs' routes",
		Long: `Verify looks at every host at the same time, and changes nothing. It checks that
each can be reached, that FRR runs, that the configuration is in sync and that
the agent is well; and for every BGP session of the route reflectors that it is
Established at both ends, and that the address family was negotiated. Every VM
must have its interface and its routes, and every route reflector must have them
by its node alone, with the fabric's communities, and no others.

It prints what is not well, each cause once with what to look at next, and a
verdict. --all prints the tables of hosts and sessions as well.
` + "`ipfabric help verify`" + ` explains the checks and the JSON.

Exit codes: 0 healthy, 4 not, 1 a host key or login is not as expected. A core
gateway that refuses the login is a problem like others: 4.`,
		Example: `  ipfabric verify
  ipfabric verify --all
  ipfabric verify --wait 60s --junit verify.xml
  ipfabric verify --json | jq '.sessions[] | select(.status != "ok")'`,
		Args: noArguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.Open(cmd.Context(), "verify", opts.Limit)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Verify(cmd.Context(), opts)
		},
	}
	a.limitFlag(cmd, &opts.Limit, "check these hosts and their sessions only (`HOST,...`): names, patterns such as node*, @rrs, @nodes; !HOST leaves one out")
	cmd.Flags().DurationVar(&opts.Wait, "wait", 0, "look again until all is healthy or this time is over, as 60s")
	cmd.Flags().BoolVar(&opts.All, "all", false, "show every host and session, also those that are well; so does --verbose")
	cmd.Flags().BoolVar(&opts.JSON, "json", false, "print the report as JSON")
	cmd.Flags().StringVar(&opts.JUnit, "junit", "", "also write the report to `FILE`, as JUnit XML for CI systems")
	_ = cmd.MarkFlagFilename("junit", "xml")
	return cmd
}
