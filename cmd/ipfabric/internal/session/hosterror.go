package session

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/remote"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// hostErrors are the sentences for hosts that failed or were left out. Hosts
// behind a jump host that failed share one, and so do hosts that were skipped
// for the same reason, and hosts that the same run has locked.
func hostErrors(result run.Result) []error {
	hosts := map[string][]string{} // by the reason that they share
	for _, r := range result {
		if why := sharedReason(r); why != "" {
			hosts[why] = append(hosts[why], r.Host)
		}
	}
	var out []error
	for _, r := range result {
		if why := sharedReason(r); why != "" {
			names := hosts[why]
			delete(hosts, why)
			if len(names) == 0 { // said with another host
				continue
			}
			r.Host = strings.Join(names, ", ")
			if isLocked(r.Err) {
				r.Host, r.Err = "", lockedHosts{names, r.Err}
			}
		}
		if err := hostError(r); err != nil {
			out = append(out, err)
		}
	}
	return out
}

// sharedReason is why a host failed or was left out, if other hosts may have the same reason, else "".
func sharedReason(r run.HostResult) string {
	var locked *remote.LockedError
	switch {
	case r.Step == "" && errors.As(r.Err, &locked):
		return "locked by " + locked.Note
	case hopOf(r) != "" || r.State == run.Skipped:
		return r.Err.Error()
	}
	return ""
}

// lockedHosts says of all hosts that one other run has locked that they are.
type lockedHosts struct {
	hosts []string
	error // a *remote.LockedError
}

func (e lockedHosts) Error() string {
	var locked *remote.LockedError
	by := "another run"
	if errors.As(e.error, &locked) && locked.Note != "" {
		by = locked.Note
	}
	are := " are"
	if len(e.hosts) == 1 {
		are = " is"
	}
	return step.AndList(e.hosts) + are + " locked by " + by
}

func (e lockedHosts) Unwrap() error { return e.error }

// isLocked says whether another run has locked a host.
func isLocked(err error) bool { return errors.As(err, new(*remote.LockedError)) }

// hopOf names the jump host, if it was one that failed.
func hopOf(r run.HostResult) string {
	var c *remote.ConnectError
	if r.Step != "" || !errors.As(r.Err, &c) || c.Host == r.Host {
		return ""
	}
	return c.Host
}

// hostError is the sentence for what failed on a host, from outside in. An
// error of the connection names its host itself, and so does one without a host.
func hostError(r run.HostResult) error {
	if r.Err == nil {
		return nil
	}
	if r.Host == "" || r.Step == "" && step.NamesHost(r.Err, r.Host) {
		return r.Err
	}
	if r.Step == "" {
		return fmt.Errorf("%s: %w", r.Host, r.Err)
	}
	return fmt.Errorf("%s: %s: %w", r.Host, r.Step, r.Err)
}

// mustStop says whether an error is a reason to touch no host at all. A host
// that is down is not: its turn comes with the next run. A host key that
// changed may be an attack, and a refused login or sudo is a mistake in the inventory
// that the other hosts probably share.
func mustStop(err error) bool {
	var c *remote.ConnectError
	if !errors.As(err, &c) {
		return false
	}
	switch c.Kind {
	case remote.HostKeyUnknown, remote.HostKeyChanged, remote.Auth, remote.Sudo, remote.Setup:
		return true
	}
	return false
}

// isSetupError says whether there was no connection because a file on this side, such as a key,
// cannot be used.
func isSetupError(err error) bool {
	var c *remote.ConnectError
	return errors.As(err, &c) && c.Kind == remote.Setup
}

// isLoginError says whether a host has refused the user, at its login or as root.
func isLoginError(err error) bool {
	var c *remote.ConnectError
	return errors.As(err, &c) && (c.Kind == remote.Auth || c.Kind == remote.Sudo)
}

// isConnectError says whether there was no connection at all.
func isConnectError(err error) bool {
	var c *remote.ConnectError
	return errors.As(err, &c)
}

// failureText counts what became of the hosts that were not done, of so many in all:
// "1 host refused the change, 5 not begun, the others are done".
func failureText(failed run.Result, hosts int) string {
	kinds := []string{"failed", "locked by another run", "refused the change", "changed since the plan was shown", "not finished", "not begun"}
	counts := map[string]int{}
	for _, r := range failed {
		switch {
		case errors.As(r.Err, new(run.DriftError)):
			counts["changed since the plan was shown"]++
		case r.Step == "" && isLocked(r.Err) && r.State != run.Skipped:
			counts["locked by another run"]++
		case step.Refused(r.Err):
			counts["refused the change"]++
		case r.State != run.Skipped:
			counts["failed"]++
		case r.Changes > 0:
			counts["not finished"]++
		default:
			counts["not begun"]++
		}
	}
	var parts []string
	for _, kind := range kinds {
		switch n := counts[kind]; {
		case n > 0 && len(parts) == 0:
			parts = append(parts, ui.Count(n, "host")+" "+kind)
		case n > 0:
			parts = append(parts, fmt.Sprint(n, " ", kind))
		}
	}
	if len(failed) < hosts {
		parts = append(parts, "the others are done")
	}
	return strings.Join(parts, ", ")
}

// failedOf returns the hosts that failed or were left out.
func failedOf(result run.Result) run.Result {
	return slices.DeleteFunc(slices.Clone(result), func(r run.HostResult) bool { return r.Err == nil })
}
