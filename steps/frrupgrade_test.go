package steps

import (
	"strings"
	"testing"

	"ipfabric/inventory"
)

// upgradeHost is a Debian 12 with FRR running, whose source has a newer one.
func upgradeHost() *fakeHost {
	h := frrHost()
	upgrade := []string{"install", "--no-install-recommends", "--only-upgrade", "frr", "frr-pythontools"}
	for line, out := range map[string]string{
		Line(aptUpdateAll(false)...):          "",
		Line(aptPolicy("frr")...):             "frr:\n  Installed: 8.4.4-1.1~deb12u2\n  Candidate: 8.4.4-1.1~deb12u3\n",
		Line(aptPolicy("frr-pythontools")...): "frr-pythontools:\n  Candidate: 8.4.4-1.1~deb12u3\n",
		"stale-daemons.sh":                    "",
		"dpkg-state.sh":                       "",
		askSpace:                              someSpace,
		Line(detached(aptGet(append([]string{"--download-only"}, upgrade...)...))...): "",
		Line(detached(aptGet(upgrade...))...):                                         "",
		askOurs(apt{}):                                                                "",
		settled("root:root") + upgradedFrom:                                           "",
		"systemctl show frr.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID": "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
		"systemctl reset-failed frr.service": "",
		"systemctl restart frr.service":      "",
	} {
		h.answers[line] = out
	}
	return h
}

func TestUpgradeDownloadsArmsExchanges(t *testing.T) {
	h := upgradeHost()
	s := frrUpgraded{host: inventory.Host{}}
	diff, err := s.Check(t.Context(), h)
	const want = "package frr is 8.4.4-1.1~deb12u2, want 8.4.4-1.1~deb12u3; package frr-pythontools is 8.4.4-1.1~deb12u2, want 8.4.4-1.1~deb12u3"
	if err != nil || diff.String() != want {
		t.Fatalf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	download := position(t, h, Line(detached(aptGet("--download-only", "install"))...))
	armed, noted := position(t, h, timerStart), position(t, h, "write "+upgradedFrom)
	exchanged := position(t, h, Line(detached(aptGet("install"))...))
	if download > armed || armed > noted || noted > exchanged {
		t.Errorf("downloaded, armed, noted and exchanged at %d, %d, %d, %d", download, armed, noted, exchanged)
	}
	if got := olderFRR(t.Context(), h); got != "8.4.4-1.1~deb12u2" {
		t.Errorf("the old version is noted as %q", got)
	}
}

// A package that leaves the restart to others, or a run that was cut off in between.
func TestAnOldProgramThatStillRunsIsRestarted(t *testing.T) {
	h := upgradeHost()
	h.answers[Line(aptPolicy("frr")...)] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.answers[Line(aptPolicy("frr-pythontools")...)] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.answers["stale-daemons.sh"] = "zebra\nbgpd\nbgpd\n"
	s := frrUpgraded{host: inventory.Host{}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "running FRR is the old bgpd, zebra, want the installed version" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if position(t, h, timerStart) > position(t, h, "systemctl restart frr.service") {
		t.Error("restarted before the rollback was armed")
	}
}

func TestAnUpgradeThatSessionsDoNotSurvive(t *testing.T) {
	err := errUpgradeLost{errSessionsLost{}, "8.4.4-1"}
	if !strings.Contains(err.Error(), "upgraded from 8.4.4-1, and stays so") || !strings.Contains(err.Hint(), "frr=8.4.4-1") || !err.RolledBack() {
		t.Errorf("%v; %s", err, err.Hint())
	}
}

func TestPreinstalledFRRIsNotUpgraded(t *testing.T) {
	s := frrUpgraded{host: inventory.Host{FRR: inventory.FRR{Source: "preinstalled"}}}
	if diff, err := s.Check(t.Context(), &fakeHost{}); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
}
