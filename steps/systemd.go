package steps

import (
	"context"
	"strings"
)

// unitState is what systemctl show says of a unit.
type unitState map[string]string

// A unit that systemd does not know has the LoadState "not-found".
func showUnit(ctx context.Context, r Reader, unit string) (unitState, error) {
	out, err := r.Query(ctx, "systemctl", "show", unit,
		"-p", "LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID")
	if err != nil {
		return nil, err
	}
	u := unitState{}
	for line := range strings.Lines(out) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			u[key] = value
		}
	}
	return u, nil
}

func (u unitState) active() bool { return u["ActiveState"] == "active" }

// diff says what keeps a unit from being up, now and after a reboot.
func (u unitState) diff(unit string) Diff {
	if u["LoadState"] == "not-found" {
		return Diff{{Item: "service " + unit, Want: "enabled and running"}}
	}
	var diff Diff
	if !u.active() {
		diff = append(diff, Change{Item: "service " + unit, Have: u["ActiveState"], Want: "active"})
	}
	if u["UnitFileState"] != "enabled" {
		diff = append(diff, Change{Item: "start of " + unit + " at boot", Have: u["UnitFileState"], Want: "enabled"})
	}
	if u["NeedDaemonReload"] == "yes" {
		diff = append(diff, Change{Item: "systemd's copy of " + unit, Have: "stale", Want: "current"})
	}
	return diff
}
