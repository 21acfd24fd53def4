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
// for the same reason.
func hostErrors(result run.Result) []error {
	shares := func(r run.HostResult) bool { return hopOf(r) != "" || r.State == run.Skipped }
	hosts := map[string][]string{} // by the reason that they share
	for _, r := range result {
		if shares(r) {
			hosts[r.Err.Error()] = append(hosts[r.Err.Error()], r.Host)
		}
	}
	var out []error
	for _, r := range result {
		if shares(r) {
			names := hosts[r.Err.Error()]
			delete(hosts, r.Err.Error())
			if len(names) == 0 { // said with another host
				continue
			}
			r.Host = strings.Join(names, ", ")
		}
		if err := hostError(r); err != nil {
			out = append(out, err)
		}
	}
	return out
}

// hopOf names the jump host, if it was one that failed.
func hopOf(r run.HostResult) string {
	var c *remote.ConnectError
	if r.Step != "" || !errors.As(r.Err, &c) || c.Host == r.Host {
		return ""
	}
	return c.Host
}

// hostError is the sentence for what failed on a host, from outside in. An
// error of the connection names its host itself.
func hostError(r run.HostResult) error {
	if r.Err == nil {
		return nil
	}
	if r.Step == "" && step.NamesHost(r.Err, r.Host) {
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
	kinds := []string{"failed", "refused the change", "changed since the plan was shown", "not finished", "not begun"}
	counts := map[string]int{}
	for _, r := range failed {
		switch {
		case errors.As(r.Err, new(run.DriftError)):
			counts["changed since the plan was shown"]++
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
