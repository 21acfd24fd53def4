package frr

import (
	"slices"
	"testing"

	"ipfabric/steps/step/steptest"
)

const watchfrr = "cat /proc/7/cmdline"

// startHost is a host where FRR can be started.
func startHost() *steptest.Host {
	h := frrHost()
	h.Answers["systemctl daemon-reload"], h.Answers["systemctl enable frr.service"] = "", ""
	h.Answers["systemctl kill -s KILL frr.service"] = ""
	h.Answers[watchfrr] = "/usr/lib/frr/watchfrr\x00-d\x00zebra\x00bgpd\x00bfdd\x00"
	return h
}

func TestWhatKeepsFRRFromRunning(t *testing.T) {
	for name, tt := range map[string]struct {
		daemons, unit string
		status        int
		want          string
	}{
		"nothing":       {" zebra bgpd bfdd\n", serviceUp, 0, ""},
		"a dead daemon": {" zebra bgpd\n", serviceUp, 0, "daemon bfdd is not running, want running"},
		"stopped":       {"", "LoadState=loaded\nActiveState=inactive\nUnitFileState=enabled\n", 1, "service frr is inactive, want active"},
		"not installed": {"", "LoadState=not-found\nActiveState=inactive\n", 127, "service frr is missing, want enabled and running"},
		"a hung daemon": {"", serviceUp, 124, "FRR is does not answer: a daemon hangs, want answers"},
		"not at boot":   {" zebra bgpd bfdd\n", "LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n", 0, "start of frr at boot is disabled, want enabled"},
	} {
		h := startHost()
		h.Answers[askFRR], h.Status[askFRR], h.Answers[askService] = tt.daemons, tt.status, tt.unit
		if diff, err := (service{}).Check(t.Context(), h); err != nil || diff.String() != tt.want {
			t.Errorf("%s: got %v, %v", name, diff, err)
		}
	}
}

func TestFRRIsStarted(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*steptest.Host)
		want   bool // it is restarted
		killed bool
	}{
		"stopped":        {func(h *steptest.Host) { h.Answers[askService] = "LoadState=loaded\nActiveState=inactive\n" }, true, false},
		"hung":           {func(h *steptest.Host) { h.Status[askFRR] = 124 }, true, true},
		"all is well":    {func(*steptest.Host) {}, false, false},
		"a new daemon":   {func(h *steptest.Host) { h.Answers[watchfrr] = "watchfrr\x00zebra\x00bgpd\x00" }, true, false},
		"a dead daemon":  {func(h *steptest.Host) { h.Answers[askFRR] = " zebra bgpd\nold\n" }, true, false},
		"no such daemon": {func(h *steptest.Host) { h.Status[watchfrr] = 1 }, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := startHost()
			tt.change(h)
			if err := guard(service{}).Apply(t.Context(), h); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if got := slices.Contains(h.Log, restart); got != tt.want {
				t.Errorf("%s: restarted: %v", name, got)
			}
			if got := slices.Contains(h.Log, "systemctl kill -s KILL frr.service"); got != tt.killed {
				t.Errorf("%s: killed: %v", name, got)
			}
			steptest.Position(t, h, "systemctl enable frr.service")
			if tt.want && steptest.Position(t, h, "systemctl reset-failed frr.service") > steptest.Position(t, h, restart) {
				t.Errorf("%s: a service that was started too often is not started", name)
			}
		})
	}
}
