package session

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
	"ipfabric/steps/vms"
)

// vms is what the vm commands work with.
func (s *Session) vms() *vms.Control {
	return &vms.Control{
		Fabric:  s.fabric,
		Connect: s.fleet.Connect,
		Lock:    s.lockVMs,
		Note:    func(text string) { s.Say.Note("%s", text) },
		Stop:    s.Signals.stop,
	}
}

// vmFailed gives an error of the vm commands its exit code and its hint, having
// said what the hosts that gave no answer said instead.
func (s *Session) VMError(ctx context.Context, err error) error {
	var e *vms.Error
	var missing *vms.NotFoundError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, vms.ErrInterrupted):
		if errors.As(err, &e) {
			s.Say.Warn("%s", err) // it says what was done and what was not
			return ui.WithHint(ui.ErrInterrupted, cmp.Or(e.Hint(), "run the same command again: it goes on from what it finds"))
		}
		return ui.WithHint(ui.ErrInterrupted, "run the same command again: it goes on from what it finds")
	case errors.As(err, &missing):
		return ui.WithHint(err, vmHint(missing))
	case !errors.As(err, &e):
		return s.unanswered(err)
	case e.Kind == vms.Usage:
		return ui.Usage(err)
	case e.Kind == vms.Unanswered:
		s.saySilent(e.Silent)
		return s.unanswered(err)
	}
	return err
}

// unanswered is an error with the exit code of hosts that failed, if one did,
// unless one let us not in as expected.
func (s *Session) unanswered(err error) error {
	var e *vms.Error
	silent := isConnectError(err) || errors.As(err, &e) && e.Kind == vms.Unanswered
	if !silent || len(s.refused()) > 0 {
		return err
	}
	return &ui.CodedError{Code: ui.ExitHosts, Err: err}
}

func vmHint(e *vms.NotFoundError) string {
	if near := inventory.Nearest(e.Name, e.Names); near != "" {
		return "did you mean " + near + "?"
	}
	if len(e.Names) == 0 {
		return "there are none yet: `ipfabric vm add NAME --node NODE` adds one"
	}
	return "`ipfabric vm list` names the VMs that there are"
}

func (s *Session) saySilent(silent []vms.Silent) {
	var errs []error
	var hosts []string
	for _, x := range silent {
		if !slices.Contains(hosts, x.Host) {
			hosts, errs = append(hosts, x.Host), append(errs, x.Err)
		}
	}
	s.Say.Failures(errs)
}

// afterSilent ends a command that has said all it could without these hosts.
func (s *Session) afterSilent(silent []vms.Silent) error {
	if len(silent) == 0 {
		return nil
	}
	s.saySilent(silent)
	if len(s.refused()) > 0 {
		return ui.WithHint(errors.New("not every host let us in as expected"), "put right what is said above")
	}
	return ui.ExitWith(ui.ExitHosts)
}
