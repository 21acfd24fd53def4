package frr

import (
	"errors"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

// What completes packages that were cut off.
const (
	configureHalf = "to-the-end.sh env LC_ALL=C DEBIAN_FRONTEND=noninteractive dpkg-configure.sh env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y " +
		"-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
	reinstallHalf = aptGet + "install --reinstall --no-install-recommends --allow-downgrades frr=8.4.4-1"
	reinstallAny  = aptGet + "install --reinstall --no-install-recommends frr"
	installHalf   = aptGet + "install --no-install-recommends --no-upgrade frr"
	fetchLists    = "apt-lists.sh any env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y " +
		"-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
)

// halfHost is a Debian 12 where dpkg was cut off while it unpacked FRR.
func halfHost() *steptest.Host {
	h := frrHost()
	for line, out := range map[string]string{
		askDebian:  "half-installed frr 8.4.4-1\ninstalled frr-pythontools 8.4.4-1\n",
		askOurDebs: "",
		"dpkg-query --show --showformat ${db:Status-Status} ${Package} ${Version}\n python3 python3-minimal": "",
		"dpkg-state.sh":               "journal\nfrr=8.4.4-1\n",
		askSpace:                      someSpace,
		"apt-cache.sh 150 policy frr": "  Candidate: 8.4.4-1\n",
		"apt-cache.sh 150 policy frr-pythontools": "  Candidate: 8.4.4-1\n",
		configureHalf: "",
		reinstallHalf: "",
		installHalf:   "",
		fetchLists:    "",
	} {
		h.Answers[line] = out
	}
	return h
}

func TestAPackageThatWasCutOffIsCompleted(t *testing.T) {
	h := halfHost()
	s := installed{inventory.Host{}}
	if diff, err := s.Check(t.Context(), h); err != nil || diff.String() != "package frr is missing, want 8.4.4-1" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	configured, again, installed := steptest.Position(t, h, configureHalf), steptest.Position(t, h, reinstallHalf), steptest.Position(t, h, installHalf)
	if configured > again || again > installed {
		t.Errorf("configured, unpacked anew and installed at %d, %d, %d", configured, again, installed)
	}
}

// What was half installed may be of a version that the source has no more.
func TestAPackageThatWasCutOffIsTakenInAnotherVersion(t *testing.T) {
	h := halfHost()
	h.Fail[reinstallHalf] = errors.New("E: Version '8.4.4-1' for 'frr' was not found")
	h.Answers[reinstallAny] = ""
	if err := (installed{inventory.Host{}}).Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	steptest.Position(t, h, reinstallAny)
}

// saidError is the error of a remote command.
type saidError struct {
	steptest.Status
	said string
}

func (e saidError) Said() string { return e.said }

func TestListsThatCannotBeFetched(t *testing.T) {
	h := halfHost()
	h.Fail[fetchLists] = saidError{1, "E: Failed to fetch http://mirror"}
	err := (installed{inventory.Host{}}).Apply(t.Context(), h)
	const want = "`apt-get update` ended with status 1: E: Failed to fetch http://mirror"
	if err == nil || err.Error() != want || !strings.Contains(hintOf(err), "may the host reach its package sources") {
		t.Errorf("got %v", err)
	}
}
