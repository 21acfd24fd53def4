package host

import (
	"testing"

	"ipfabric/steps/step/steptest"
)

func TestWhatKeepsAUnitFromBeingUp(t *testing.T) {
	const ask = "systemctl show x.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID"
	for shown, want := range map[string]string{
		"LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=no\n":  "",
		"LoadState=not-found\nActiveState=inactive\n":                                         "service x is missing, want enabled and running",
		"LoadState=loaded\nActiveState=failed\nUnitFileState=disabled\n":                      "service x is failed, want active; start of x at boot is disabled, want enabled",
		"LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNeedDaemonReload=yes\n": "systemd's copy of x is stale, want current",
	} {
		h := &steptest.Host{Answers: map[string]string{ask: shown}}
		u, err := ShowUnit(t.Context(), h, "x.service")
		if err != nil || u.Diff("x").String() != want {
			t.Errorf("%q: got %s, %v", shown, u.Diff("x"), err)
		}
	}
}
