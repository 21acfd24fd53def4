package frr

import (
	"errors"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

// Commands of el8Host.
const (
	rpmQuery   = `rpm -q --qf installed %{NAME} %{VERSION}-%{RELEASE}\n frr`
	dnfAsk     = "dnf -q -C repoquery --latest-limit=1 --qf %{name} %{version}-%{release} frr"
	dnfInstall = "to-the-end.sh env LC_ALL=C dnf -q -y --setopt=install_weak_deps=False install frr"
	askSpace   = "df -P -m /usr /var /etc"
	askOurRPMs = "present-files.sh /etc/yum.repos.d/ipfabric-frr.repo /etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr"
	rpmPython  = `rpm -q --qf installed %{NAME} %{VERSION}-%{RELEASE}\n python3 python3-minimal`
)

const someSpace = "Filesystem 1048576-blocks Used Available Capacity Mounted on\n/dev/sda1 20000 10000 10000 50% /\n"

// el8Host is an AlmaLinux 8 without FRR, whose metadata was fetched.
func el8Host() *steptest.Host {
	return &steptest.Host{
		Files: map[string]string{"/etc/os-release": "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"8.10\"\n"},
		Answers: map[string]string{
			rpmQuery:       "package frr is not installed\n",
			dnfAsk:         "frr 7.5.1-22.el8\n",
			dnfInstall:     "",
			rpmPython:      "installed python3 3.9-1\npackage python3-minimal is not installed\n",
			"python3 -c ":  "",
			askOurRPMs:     "",
			askSpace:       someSpace,
			runsReload:     "usage",
			"vtysh --help": "Integrated shell for FRR (version 8.4.4). \nConfigured with:\n",
		},
		Status: map[string]int{rpmQuery: 1, rpmPython: 1},
	}
}

func TestFRROnEL(t *testing.T) {
	h := el8Host()
	s := installed{inventory.Host{}}
	diff, err := s.Check(t.Context(), h)
	if err != nil || diff.String() != "package frr is missing, want 7.5.1-22.el8" {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
	steptest.Position(t, h, dnfInstall)
}

// A plan on a host whose metadata was never fetched says what the distribution has.
func TestPlanWithoutMetadata(t *testing.T) {
	h := el8Host()
	h.Status[dnfAsk] = 1
	diff, err := installed{inventory.Host{}}.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "about 7.5") {
		t.Errorf("got %v, %v", diff, err)
	}
}

func TestAnFRRThatIsTooOldIsRefused(t *testing.T) {
	h := el8Host()
	h.Answers[dnfAsk] = "frr 7.0-5.el8\n"
	_, err := installed{inventory.Host{}}.Check(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "upstream") {
		t.Errorf("got %v, want a hint to another source", err)
	}
}

// A disk that is full is told before anything is changed.
func TestThereMustBeRoomForPackages(t *testing.T) {
	h := el8Host()
	h.Answers[askSpace] = someSpace + "/dev/sda2 1000 990 10 99% /var\n"
	_, err := installed{inventory.Host{}}.Check(t.Context(), h)
	if err == nil || err.Error() != "there is no room for FRR's packages: /var has 10 MB free, 150 are needed" {
		t.Errorf("got %v", err)
	}
}

func TestPreinstalledFRRIsAskedItself(t *testing.T) {
	h := el8Host()
	host := inventory.Host{FRR: inventory.FRR{Source: "preinstalled"}}
	if diff, err := (installed{host}).Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	if v, err := versionOf(t.Context(), h, host); err != nil || v.String() != "8.4" {
		t.Errorf("got %v, %v", v, err)
	}
	h.Status[runsReload] = 127
	if _, err := (installed{host}).Check(t.Context(), h); err == nil || !strings.Contains(err.Error(), "frr-reload.py does not run") {
		t.Errorf("without frr-reload.py: %v", err)
	}
	h.Status["vtysh --help"] = 127
	if _, err := (installed{host}).Check(t.Context(), h); !errors.Is(err, errNoFRR{}) {
		t.Errorf("without FRR: %v", err)
	}
}

// FRR 7.5's vtysh prints no version.
func TestPreinstalledFRR75TellsItsVersion(t *testing.T) {
	h := el8Host()
	h.Answers["vtysh --help"] = "Usage : vtysh [OPTION...]\n\nIntegrated shell for FRR. \n"
	h.Answers["zebra-version.sh"] = "zebra version 7.5.1\nCopyright 1996-2005 Kunihiro Ishiguro, et al.\n"
	host := inventory.Host{FRR: inventory.FRR{Source: "preinstalled"}}
	if v, err := versionOf(t.Context(), h, host); err != nil || v.String() != "7.5" {
		t.Errorf("got %v, %v", v, err)
	}
	h.Answers["zebra-version.sh"], h.Status["zebra-version.sh"] = "", 127
	if _, err := versionOf(t.Context(), h, host); !errors.Is(err, errNoVersion{}) {
		t.Errorf("without zebra: %v", err)
	}
}

// A Python that is installed and does not run is told before FRR is installed.
func TestABrokenPythonIsToldFirst(t *testing.T) {
	h := el8Host()
	h.Status["python3 -c "] = 127
	s := installed{inventory.Host{}}
	if _, err := s.Check(t.Context(), h); err == nil || !strings.Contains(err.Error(), "frr-reload.py does not run") {
		t.Errorf("got %v", err)
	}
	h.Answers[rpmPython], h.Status[rpmPython] = "", 2
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 1 {
		t.Errorf("without any Python, which comes with FRR: %v, %v", diff, err)
	}
}

// Of a host that is to leave its mirror, the mirror's FRR is not what it gets.
func TestBackToTheDistributionIsNotTheMirrorsFRR(t *testing.T) {
	h := el8Host()
	h.Answers[dnfAsk] = "frr 10.3-1.el8\n"
	h.Answers[askOurRPMs] = "/etc/yum.repos.d/ipfabric-frr.repo\n"
	diff, err := installed{inventory.Host{}}.Check(t.Context(), h)
	if err != nil || !strings.Contains(diff.String(), "about 7.5") {
		t.Errorf("got %v, %v", diff, err)
	}
	if v, err := AskVersions(t.Context(), h, inventory.Host{}); err != nil || v.Offered != "" {
		t.Errorf("got %v, %v", v, err)
	}
}

// An FRR that is there is left as it is, whatever its source has.
func TestAnInstalledFRRIsLeftAlone(t *testing.T) {
	h := frrHost()
	h.Answers[askOurDebs] = ""
	if diff, err := (installed{inventory.Host{}}).Check(t.Context(), h); err != nil || len(diff) > 0 {
		t.Errorf("got %v, %v", diff, err)
	}
	for _, line := range h.Log {
		if line != askDebian {
			t.Errorf("asked %q, which every run would pay for", line)
		}
	}
}
