package main

import (
	"context"

	"ipfabric/steps/run"
)

func (s *session) preview(ctx context.Context, plan run.Plan, opts planOptions) error {
	s.connect = run.Sharing(s.fleet.connect) // most of what is asked of FRR's versions was asked before
	defer func() { s.connect = s.fleet.connect }()
	o, stop := s.look(ctx, plan)
	if o == nil {
		return stop
	}
	o.addFRR(s.frrVersions(ctx, o.answering()))
	if err := s.showOutlook(o, opts.json); err != nil {
		return err
	}
	switch {
	case stop != nil:
		return stop
	case o.Failed > 0:
		return exitWith(exitHosts)
	case o.Changes > 0:
		s.say.note("`%s` applies this", opts.applyCommand())
		return exitWith(exitChanges)
	}
	return nil
}

// showOutlook prints what was found, and why hosts could not be looked at.
func (s *session) showOutlook(o *outlook, asJSON bool) error {
	s.say.failures(hostErrors(o.failed()))
	if asJSON {
		return s.say.resultJSON(o)
	}
	s.say.result(o.render(s.much(), s.say.onOut))
	return nil
}

// planOptions are the flags of plan, and of init --dry-run.
type planOptions struct {
	limit []string
	adopt bool
	loss  bool
	json  bool
	// upgrade asks for FRR's newest version of its source.
	upgrade bool
}

// applyCommand is the command that does what was planned.
func (o planOptions) applyCommand() string {
	line := "ipfabric init"
	if o.upgrade {
		line += " --upgrade-frr"
	}
	if o.adopt {
		line += " --adopt"
	}
	return line
}
