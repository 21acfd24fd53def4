package packages

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

const (
	dnfChange = "to-the-end.sh env LC_ALL=C dnf -q -y --setopt=install_weak_deps=False "
	dnfTools  = "dnf -q -C --disablerepo=* --enablerepo=ipfabric-frr* repoquery --latest-limit=1 --qf %{name} %{version}-%{release} frr-pythontools"
	dnfYang   = "dnf -q -C --disablerepo=* --enablerepo=ipfabric-frr* repoquery --latest-limit=1 --qf %{name} %{version}-%{release} libyang"
)

func dnfHost() *steptest.Host {
	return &steptest.Host{Answers: map[string]string{}, Status: map[string]int{}, Fail: map[string]error{}}
}

// The FRR project's own packages have frr-reload.py in frr-pythontools, and some
// do not say which libyang they need.
func TestInstallFromOurRPMs(t *testing.T) {
	for tools, want := range map[string][]string{
		"frr-pythontools 10.3-1\n": {dnfTools, dnfChange + "install frr frr-pythontools", dnfYang, dnfChange + "upgrade libyang"},
		"":                         {dnfTools, dnfChange + "install frr", dnfYang, dnfChange + "upgrade libyang"},
	} {
		h := dnfHost()
		h.Answers[dnfTools], h.Answers[dnfYang] = tools, "libyang 2.1-1\n"
		for _, line := range want {
			h.Answers[line] += ""
		}
		if err := (dnfManager{}).Install(t.Context(), h, []string{"frr"}, true); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, h.Log); diff != "" {
			t.Error(diff)
		}
	}
	h := dnfHost()
	h.Answers[dnfChange+"install frr"] = ""
	if err := (dnfManager{}).Install(t.Context(), h, []string{"frr"}, false); err != nil || len(h.Log) != 1 {
		t.Errorf("from the distribution: %v, did %q", err, h.Log)
	}
}

func TestDownloadThenUpgradeRPMs(t *testing.T) {
	h := dnfHost()
	h.Answers[dnfChange+"--downloadonly upgrade frr"], h.Answers[dnfChange+"upgrade frr"] = "", ""
	if err := errors.Join((dnfManager{}).Download(t.Context(), h, []string{"frr"}), (dnfManager{}).Upgrade(t.Context(), h, []string{"frr"})); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{dnfChange + "--downloadonly upgrade frr", dnfChange + "upgrade frr"}, h.Log); diff != "" {
		t.Error(diff)
	}
}

func TestNewerRPMs(t *testing.T) {
	h := dnfHost()
	const all = "timeout 50 dnf -q --refresh repoquery --latest-limit=1 --qf %{name} %{version}-%{release} --upgrades frr"
	const ours = "timeout 50 dnf -q --refresh --disablerepo=* --enablerepo=ipfabric-frr* repoquery --latest-limit=1 --qf %{name} %{version}-%{release} --upgrades frr"
	h.Answers[all], h.Answers[ours] = "frr 1-2\n", "frr 3-4\n"
	for fromOurs, want := range map[bool]string{false: "1-2", true: "3-4"} {
		if newer, err := (dnfManager{}).Newer(t.Context(), h, []string{"frr"}, fromOurs); err != nil || newer["frr"] != want {
			t.Errorf("ours %v: %v, %v", fromOurs, newer, err)
		}
	}
}

// rpm ends with the number of packages that it does not know.
func TestInstalledRPMs(t *testing.T) {
	const ask = `rpm -q --qf installed %{NAME} %{VERSION}-%{RELEASE}\n frr libyang`
	h := dnfHost()
	h.Answers[ask] = "installed frr 7.5.1-22.el8\npackage libyang is not installed\n"
	for status, fails := range map[int]bool{0: false, 1: false, 2: false, 3: true} {
		h.Status[ask] = status
		have, err := (dnfManager{}).Installed(t.Context(), h, []string{"frr", "libyang"})
		if (err != nil) != fails || !fails && (len(have) != 1 || have["frr"] != "7.5.1-22.el8") {
			t.Errorf("status %d: %v, %v", status, have, err)
		}
	}
	h.Fail[ask] = errors.New("lost the connection")
	if _, err := (dnfManager{}).Installed(t.Context(), h, []string{"frr", "libyang"}); err == nil {
		t.Error("a connection that broke is taken for an answer")
	}
}

// One release line is taken of a repository that has several.
func TestFilesOfAnRPMRepository(t *testing.T) {
	repo := Repository{Repository: inventory.Repository{URL: "http://m/frr10", Key: "k"}, Series: "10.3", Extras: "http://m/extras"}
	files := (dnfManager{}).RepositoryFiles(repo)
	if len(files) != 2 || files[0].Path != "/etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr" || files[1].Path != "/etc/yum.repos.d/ipfabric-frr.repo" {
		t.Fatalf("got %v", files)
	}
	const want = `# Written by ipfabric.
[ipfabric-frr]
name=FRR
baseurl=http://m/frr10
enabled=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr
priority=10
includepkgs=frr-10.3-* frr-10.3.* frr-pythontools-10.3-* frr-pythontools-10.3.* frr-snmp-10.3-* frr-snmp-10.3.* frr-rpki-rtrlib-10.3-* frr-rpki-rtrlib-10.3.* frr-selinux-10.3-* frr-selinux-10.3.*

[ipfabric-frr-extras]
name=what FRR needs
baseurl=http://m/extras
enabled=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-ipfabric-frr
priority=10
includepkgs=libyang* librtr*
`
	if diff := cmp.Diff(want, string(files[1].Data)); diff != "" {
		t.Error(diff)
	}
	repo.Series, repo.Extras = "", ""
	if text := string((dnfManager{}).RepositoryFiles(repo)[1].Data); strings.Contains(text, "includepkgs") || strings.Contains(text, "extras") {
		t.Errorf("a mirror is taken as a whole:\n%s", text)
	}
}

// Without metadata the version is not known, which is no error; a connection that
// broke is one.
func TestCandidateOfDNF(t *testing.T) {
	h := dnfHost()
	h.Status[dnfYang] = 1
	if v, err := (dnfManager{}).Candidate(t.Context(), h, "libyang", true); err != nil || v != "" {
		t.Errorf("got %q, %v", v, err)
	}
	h.Fail[dnfYang] = errors.New("lost the connection")
	if _, err := (dnfManager{}).Candidate(t.Context(), h, "libyang", true); err == nil {
		t.Error("no error")
	}
}

func TestTrialOfAnRPMRepository(t *testing.T) {
	h := dnfHost()
	repo := Repository{Repository: inventory.Repository{URL: "http://m", Key: "k"}}
	const sections = " k # Written by ipfabric.\n[ipfabric-frr]\nname=FRR\nbaseurl=http://m\nenabled=1\ngpgcheck=1\ngpgkey=file:///nowhere\npriority=10\n frr frr-pythontools"
	h.Answers["dnf-try.sh no"+sections] = "frr 10.3-1\n"
	h.Answers["dnf-try.sh yes"+sections] = "frr-pythontools 10.3-1\n"
	if v, err := (dnfManager{}).Try(t.Context(), h, repo, false); err != nil || v["frr"] != "10.3-1" {
		t.Errorf("got %v, %v", v, err)
	}
	if _, err := (dnfManager{}).Try(t.Context(), h, repo, true); err == nil || !strings.Contains(err.Error(), "has no FRR for this host") {
		t.Errorf("got %v", err)
	}
	const refresh = "env LC_ALL=C dnf -q -y --setopt=install_weak_deps=False --refresh --disablerepo=* --enablerepo=ipfabric-frr* makecache"
	h.Answers[refresh] = ""
	if err := (dnfManager{}).Refresh(t.Context(), h); err != nil {
		t.Error(err)
	}
}
