package session

import (
	"context"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
)

// Preview looks and shows what init would change. Its error has the exit code
// that says what there is to do.
func (s *Session) Preview(ctx context.Context, plan run.Plan, opts PlanOptions) error {
	s.connect = run.Sharing(s.fleet.Connect) // most of what is asked of FRR's versions was asked before
	defer func() { s.connect = s.fleet.Connect }()
	o, stop := s.look(ctx, plan)
	if o == nil {
		return stop
	}
	o.AddFRR(s.frrVersions(ctx, answering(o)))
	if err := s.showOutlook(o, opts.JSON); err != nil {
		return err
	}
	switch {
	case stop != nil:
		return stop
	case o.Failed > 0:
		return ui.ExitWith(ui.ExitHosts)
	case o.Changes > 0:
		s.Say.Note("`%s` applies this", opts.applyCommand())
		return ui.ExitWith(ui.ExitChanges)
	}
	return nil
}

// showOutlook prints what was found, and why hosts could not be looked at.
func (s *Session) showOutlook(o *ui.Outlook, asJSON bool) error {
	s.Say.Failures(hostErrors(o.FailedHosts()))
	if asJSON {
		return s.Say.ResultJSON(o)
	}
	s.Say.Result(o.Render(s.much(), s.Say.OnOut))
	return nil
}

// PlanOptions are the flags of plan, and of init --dry-run.
type PlanOptions struct {
	Limit []string
	Adopt bool
	Loss  bool
	JSON  bool
	// downgrade replaces agents that are newer than those of this program.
	Downgrade bool
	// upgrade asks for FRR's newest version of its source.
	Upgrade bool
}

// applyCommand is the command that does what was planned.
func (o PlanOptions) applyCommand() string {
	line := "ipfabric init"
	if o.Upgrade {
		line += " --upgrade-frr"
	}
	if o.Adopt {
		line += " --adopt"
	}
	if o.Downgrade {
		line += " --downgrade-agent"
	}
	return line
}
