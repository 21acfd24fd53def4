package session

import (
	"context"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
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
		s.noteHowToApply(o, opts)
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
	s.Say.Result(o.Render(s.extent(), s.Say.OnOut))
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

// noteHowToApply says which command does what the plan shows, or that init
// would refuse it as it is.
func (s *Session) noteHowToApply(o *ui.Outlook, opts PlanOptions) {
	args := []string{"ipfabric", "init"}
	if s.File != s.DefaultFile() {
		args = append(args, "-f", s.File)
	}
	if !s.limit.all() {
		args = append(args, "--limit", strings.Join(s.limit.words, ","))
	}
	for _, f := range []struct {
		given bool
		flag  string
	}{{opts.Upgrade, "--upgrade-frr"}, {opts.Adopt, "--adopt"}, {opts.Downgrade, "--downgrade-agent"}} {
		if f.given {
			args = append(args, f.flag)
		}
	}
	needs := neededFlags(o)
	if len(needs) == 0 {
		s.Say.Note("`%s` applies this", shellescape.QuoteCommand(args))
		return
	}
	s.Say.Note("init refuses this without %s: `%s` applies it, once you have read what it replaces",
		step.AndList(needs), shellescape.QuoteCommand(append(args, needs...)))
}

// neededFlags are the flags without which init refuses the plan, each once. A
// step names them in what it wants: "ipfabric (needs --adopt)".
func neededFlags(o *ui.Outlook) []string {
	var out []string
	for _, h := range o.Hosts {
		for _, d := range h.Steps {
			for _, c := range d.Diff {
				_, rest, needs := strings.Cut(c.Want, "(needs ")
				flag, _, ends := strings.Cut(rest, ")")
				if needs && ends && strings.HasPrefix(flag, "--") && !slices.Contains(out, flag) {
					out = append(out, flag)
				}
			}
		}
	}
	return out
}
