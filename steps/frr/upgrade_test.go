package frr

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

const (
	// aptGet is how packages of Debian are changed, and aptUpdate how all lists
	// are fetched.
	aptGet = "to-the-end.sh env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y " +
		"-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "
	newLists = "apt-lists.sh all timeout 50 env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y " +
		"-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
	download   = aptGet + "--download-only install --no-install-recommends --only-upgrade frr frr-pythontools"
	exchange   = aptGet + "install --no-install-recommends --only-upgrade frr frr-pythontools"
	askOurDebs = "present-files.sh /etc/apt/sources.list.d/ipfabric-frr.sources /etc/apt/preferences.d/ipfabric-frr /etc/apt/keyrings/ipfabric-frr.asc"
)

// upgradeHost is a Debian 12 with FRR running, whose source has a newer one.
func upgradeHost() *steptest.Host {
	h := frrHost()
	for line, out := range map[string]string{
		newLists:                      "",
		"apt-cache.sh 150 policy frr": "frr:\n  Installed: 8.4.4-1.1~deb12u2\n  Candidate: 8.4.4-1.1~deb12u3\n",
		"apt-cache.sh 150 policy frr-pythontools": "frr-pythontools:\n  Candidate: 8.4.4-1.1~deb12u3\n",
		"stale-daemons.sh":                        "",
		"dpkg-state.sh":                           "",
		askSpace:                                  someSpace,
		download:                                  "",
		exchange:                                  "",
		askOurDebs:                                "",
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
	if err := guard(s).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	downloaded, armed, exchanged := steptest.Position(t, h, download), steptest.Position(t, h, armTimer), steptest.Position(t, h, exchange)
	if downloaded > armed || armed > exchanged {
		t.Errorf("downloaded, armed and exchanged at %d, %d, %d", downloaded, armed, exchanged)
	}
	if slices.Contains(h.Log, restart) {
		t.Error("restarted, which the package has done")
	}
	var state struct{ UpgradedFrom string }
	if err := json.Unmarshal([]byte(h.Files[rollbackArmed]), &state); err != nil || state.UpgradedFrom != "8.4.4-1.1~deb12u2" {
		t.Errorf("the old version is noted as %q, %v", state.UpgradedFrom, err)
	}
}

// The note of an upgrade goes with the change that it belongs to.
func TestAChangeAfterAnUpgradeIsNoUpgrade(t *testing.T) {
	h := upgradeHost()
	wait(t, h, "", "10.10.0.21")
	if err := guard(upgraded{}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(h.Files[rollbackArmed], `"UpgradedFrom":"8.4.4-1.1~deb12u2"`) || !strings.Contains(h.Files[rollbackArmed], armedSince) {
		t.Errorf("an upgrade of a host that is armed already: %s", h.Files[rollbackArmed])
	}
	delete(h.Files, rollbackArmed) // confirmed, or rolled back
	if err := guard(daemons{}).Apply(t.Context(), h); err == nil || !strings.Contains(h.Files[rollbackArmed], "Since") || strings.Contains(h.Files[rollbackArmed], "8.4.4") {
		t.Errorf("got %v, %s", err, h.Files[rollbackArmed])
	}
}

func TestAnUpgradeThatCannotBeDownloadedArmsNothing(t *testing.T) {
	for name, spoil := range map[string]func(*steptest.Host){
		"no room":     func(h *steptest.Host) { h.Answers[askSpace] = strings.ReplaceAll(someSpace, " 10000 50%", " 10 99%") },
		"no download": func(h *steptest.Host) { h.Status[download] = 100 },
	} {
		h := upgradeHost()
		spoil(h)
		if err := guard(upgraded{}).Apply(t.Context(), h); err == nil || slices.Contains(h.Log, armTimer) || slices.Contains(h.Log, exchange) {
			t.Errorf("%s: got %v, did %q", name, err, h.Log)
		}
	}
}

// A package that leaves the restart to others, or a run that was cut off in between.
func TestAnOldProgramThatStillRunsIsRestarted(t *testing.T) {
	h := upgradeHost()
	h.Answers["apt-cache.sh 150 policy frr"] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.Answers["apt-cache.sh 150 policy frr-pythontools"] = "  Candidate: 8.4.4-1.1~deb12u2\n"
	h.Answers["stale-daemons.sh"] = "zebra\nbgpd\nbgpd\n"
	s := upgraded{host: inventory.Host{}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "running FRR is the old bgpd, zebra, want the installed version" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := guard(s).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	if steptest.Position(t, h, armTimer) > steptest.Position(t, h, restart) {
		t.Error("restarted before the rollback was armed")
	}
	if strings.Contains(h.Files[rollbackArmed], "UpgradedFrom") {
		t.Error("a restart counts as an upgrade")
	}
}

func TestPreinstalledFRRIsNotUpgraded(t *testing.T) {
	s := upgraded{host: inventory.Host{FRR: inventory.FRR{Source: "preinstalled"}}}
	if diff, err := s.Check(t.Context(), &steptest.Host{}); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
}
