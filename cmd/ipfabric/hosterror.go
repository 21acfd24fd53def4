package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ipfabric/remote"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// hostErrors are the sentences for hosts that failed or were left out. Hosts behind a jump host that failed share one.
func hostErrors(result run.Result) []error {
	behind := map[string][]string{} // by what is wrong with the jump host
	for _, r := range result {
		if hopOf(r) != "" {
			behind[r.Err.Error()] = append(behind[r.Err.Error()], r.Host)
		}
	}
	var out []error
	for _, r := range result {
		if hopOf(r) != "" {
			hosts := behind[r.Err.Error()]
			delete(behind, r.Err.Error())
			if len(hosts) == 0 { // said with another host
				continue
			}
			r.Host = strings.Join(hosts, ", ")
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

// failedOf returns the hosts that failed or were left out.
func failedOf(result run.Result) run.Result {
	return slices.DeleteFunc(slices.Clone(result), func(r run.HostResult) bool { return r.Err == nil })
}
