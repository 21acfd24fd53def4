package host

import (
	"context"
	"strings"

	"ipfabric/steps/step"
)

// UnitState is what systemctl show says of a unit, by the names of its properties.
type UnitState map[string]string

// ShowUnit asks systemd for the state of a unit, such as "frr.service". A unit
// that systemd does not know has the LoadState "not-found".
func ShowUnit(ctx context.Context, r step.Reader, unit string) (UnitState, error) {
	out, err := r.Query(ctx, "systemctl", "show", unit,
		"-p", "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID")
	if err != nil {
		return nil, err
	}
	u := UnitState{}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			u[key] = value
		}
	}
	return u, nil
}

// Active says whether the unit runs.
func (u UnitState) Active() bool { return u["ActiveState"] == "active" }

// Diff says what keeps a unit from being up, now and after a reboot.
func (u UnitState) Diff(unit string) step.Diff {
	if u["LoadState"] == "not-found" {
		return step.Diff{{Item: "service " + unit, Want: "enabled and running"}}
	}
	var diff step.Diff
	if !u.Active() {
		diff = append(diff, step.Change{Item: "service " + unit, Have: u["ActiveState"], Want: "active"})
	}
	if u["UnitFileState"] != "enabled" {
		diff = append(diff, step.Change{Item: "start of " + unit + " at boot", Have: u["UnitFileState"], Want: "enabled"})
	}
	if u["NeedDaemonReload"] == "yes" {
		diff = append(diff, step.Change{Item: "systemd's copy of " + unit, Have: "stale", Want: "current"})
	}
	return diff
}
