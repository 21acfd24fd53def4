package frr

import (
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/packages"
	"ipfabric/steps/step/steptest"
)

// upgradeHost is a Debian 12 with FRR running, whose source has a newer one.
func upgradeHost() *steptest.Host {
	h := FrrHost()
	upgrade := []string{"install", "--no-install-recommends", "--only-upgrade", "frr", "frr-pythontools"}
	for line, out := range map[string]string{
		steptest.Line(packages.AptUpdateAll(false)...):          "",
		steptest.Line(packages.AptPolicy("frr")...):             "frr:\n  Installed: 8.4.4-1.1~deb12u2\n  Candidate: 8.4.4-1.1~deb12u3\n",
		steptest.Line(packages.AptPolicy("frr-pythontools")...): "frr-pythontools:\n  Candidate: 8.4.4-1.1~deb12u3\n",
		"stale-daemons.sh": "",
		"dpkg-state.sh":    "",
		askSpace:           someSpace,
		steptest.Line(packages.Detached(packages.AptGet(append([]string{"--download-only"}, upgrade...)...))...): "",
		steptest.Line(packages.Detached(packages.AptGet(upgrade...))...):                                         "",
		askOurs(packages.Apt{}):                      "",
		steptest.Settled("root:root") + upgradedFrom: "",
		"systemctl show frr.service -p LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,MainPID": "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
		"systemctl reset-failed frr.service": "",
		"systemctl restart frr.service":      "",
	} {
		h.Answers[line] = out
	}
	return h
}

func TestUpgradeDownloadsArmsExchanges(t *testing.T) {
	h := upgradeHost()
	s := upgraded{host: inventory.Host{}}
	diff, err := s.Check(t.Context(), h)
	const want = "package frr is 8.4.4-1.1~deb12u2, want 8.4.4-1.1~deb12u3; package frr-pythontools is 8.4.4-1.1~deb12u2, want 8.4.4-1.1~deb12u3"
	if err != nil || diff.String() != want {
		t.Fatalf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	download := steptest.Position(t, h, steptest.Line(packages.Detached(packages.AptGet("--download-only", "install"))...))
	armed, noted := steptest.Position(t, h, timerStart), steptest.Position(t, h, "write "+upgradedFrom)
	exchanged := steptest.Position(t, h, steptest.Line(packages.Detached(packages.AptGet("install"))...))
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
	h.Answers[steptest.Line(packages.AptPolicy("frr")...)] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.Answers[steptest.Line(packages.AptPolicy("frr-pythontools")...)] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.Answers["stale-daemons.sh"] = "zebra\nbgpd\nbgpd\n"
	s := upgraded{host: inventory.Host{}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "running FRR is the old bgpd, zebra, want the installed version" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if steptest.Position(t, h, timerStart) > steptest.Position(t, h, "systemctl restart frr.service") {
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
	s := upgraded{host: inventory.Host{FRR: inventory.FRR{Source: "preinstalled"}}}
	if diff, err := s.Check(t.Context(), &steptest.Host{}); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
}
