package frr

import (
	"context"
	"fmt"

	"ipfabric/assets"
	"ipfabric/steps/step"
)

// reloadCommand is the command that runs frr-reload.py with these arguments.
func reloadCommand(args ...string) []string {
	return assets.Script("frr-reload.sh", args...)
}

// canReload says why frr-reload.py could not work, before anything is touched.
func canReload(ctx context.Context, r step.Reader) error {
	_, err := r.Query(ctx, reloadCommand("--help")...)
	if step.ExitStatus(err) >= 0 {
		return errNoReload{errReload{err, "--help"}}
	}
	return err
}

// wholeReload is canReload where frr-reload.py is there: else it comes with
// FRR's packages.
func wholeReload(ctx context.Context, r step.Reader) error {
	out, err := r.Query(ctx, assets.Script("present-files.sh", "/usr/lib/frr/frr-reload.py", "/usr/libexec/frr/frr-reload.py")...)
	if err != nil || out == "" {
		return err
	}
	return canReload(ctx, r)
}

// errReload is a frr-reload.py that ran and failed, without the script that
// looks for it.
type errReload struct {
	err  error
	args string
}

func (e errReload) Error() string {
	msg := fmt.Sprintf("`frr-reload.py %s` ended with status %d", e.args, step.ExitStatus(e.err))
	if said := step.SaidBy(e.err); said != "" {
		msg += ": " + said
	}
	return msg
}

// Unwrap lets callers see the command's exit status.
func (e errReload) Unwrap() error { return e.err }

// errNoReload is an error with a hint.
type errNoReload struct{ err error }

func (e errNoReload) Error() string {
	return fmt.Sprintf("frr-reload.py does not run, so FRR's configuration cannot be changed: %v", e.err)
}

func (e errNoReload) Hint() string {
	return "is python3 installed and whole on the host? frr-reload.py is a Python program, of the package frr-pythontools or of frr itself"
}
