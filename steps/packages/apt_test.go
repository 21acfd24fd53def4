package packages

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

const (
	apt        = "env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
	installFRR = "to-the-end.sh " + apt + " install --no-install-recommends --no-upgrade frr"
	anyLists   = "apt-lists.sh any " + apt
	allLists   = "apt-lists.sh all timeout 50 " + apt
	oursOnly   = " -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/ipfabric-frr.sources -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0"
)

// aptHost is a Debian whose packages are all complete.
func aptHost() *steptest.Host {
	return &steptest.Host{
		Files:   map[string]string{},
		Answers: map[string]string{"dpkg-state.sh": ""},
		Status:  map[string]int{},
		Fail:    map[string]error{},
	}
}

// A site without a way out has sources that do not answer: they are not asked
// where our repository has everything.
func TestInstallFromAMirrorAsksNobodyElse(t *testing.T) {
	h := aptHost()
	h.Answers[installFRR] = ""
	if err := (aptManager{}).Install(t.Context(), h, []string{"frr"}, true); err != nil {
		t.Error(err)
	}
	if len(h.Log) != 2 {
		t.Errorf("did %q", h.Log)
	}
}

// Current lists are fetched where the distribution has FRR, even if one of its
// sources does not answer; and where those of our repository turn out to be old.
func TestListsAreFetchedWhereTheyAreNeeded(t *testing.T) {
	old := errors.New("E: Unable to locate package frr")
	for name, tt := range map[string]struct {
		ours    bool
		install error
		lists   error
		want    []string
		fails   bool
	}{
		"distribution":               {false, nil, nil, []string{anyLists, "dpkg-state.sh", installFRR}, false},
		"distribution, no lists":     {false, nil, errors.New("E: no way out"), []string{anyLists}, true},
		"ours, lists are old":        {true, old, nil, []string{"dpkg-state.sh", installFRR, anyLists, "dpkg-state.sh", installFRR}, true},
		"ours, others do not answer": {true, old, errors.New("E: no way out"), []string{"dpkg-state.sh", installFRR, anyLists, "dpkg-state.sh", installFRR}, true},
		"ours, something else":       {true, errors.New("E: broken"), nil, []string{"dpkg-state.sh", installFRR}, true},
	} {
		h := aptHost()
		h.Answers[installFRR], h.Answers[anyLists] = "", ""
		h.Fail[installFRR], h.Fail[anyLists] = tt.install, tt.lists
		if err := (aptManager{}).Install(t.Context(), h, []string{"frr"}, tt.ours); (err != nil) != tt.fails {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, h.Log); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestNewerIsWhatTheSourcesHaveNow(t *testing.T) {
	const installed = "dpkg-query --show --showformat ${db:Status-Status} ${Package} ${Version}\n frr tools gone"
	h := aptHost()
	h.Answers[allLists], h.Answers[allLists+oursOnly] = "", ""
	h.Answers[installed], h.Status[installed] = "installed frr 1\ninstalled tools 1\n", 1
	h.Answers["apt-cache.sh 150 policy frr"] = "frr:\n  Candidate: 2\n"
	h.Answers["apt-cache.sh 150 policy tools"] = "tools:\n  Candidate: 1\n"
	for ours, lists := range map[bool]string{false: allLists, true: allLists + oursOnly} {
		newer, err := (aptManager{}).Newer(t.Context(), h, []string{"frr", "tools", "gone"}, ours)
		if diff := cmp.Diff(map[string]string{"frr": "2"}, newer); diff != "" || err != nil {
			t.Errorf("ours %v: %v, %s", ours, err, diff)
		}
		if !slices.Contains(h.Log, lists) {
			t.Errorf("ours %v: did %q", ours, h.Log)
		}
	}
	h.Answers["apt-cache.sh 150 policy frr"] = "frr:\n  Candidate: (none)\n"
	if newer, err := (aptManager{}).Newer(t.Context(), h, []string{"frr", "tools", "gone"}, false); err != nil || len(newer) > 0 {
		t.Errorf("no candidate: %v, %v", newer, err)
	}
	h.Status[installed] = 2
	if _, err := (aptManager{}).Installed(t.Context(), h, []string{"frr", "tools", "gone"}); err == nil {
		t.Error("a dpkg-query that fails is taken for one that knows no package")
	}
}

func TestDownloadThenUpgrade(t *testing.T) {
	const download = "to-the-end.sh " + apt + " --download-only install --no-install-recommends --only-upgrade frr"
	const upgrade = "to-the-end.sh " + apt + " install --no-install-recommends --only-upgrade frr"
	h := aptHost()
	h.Answers[download], h.Answers[upgrade] = "", ""
	if err := (aptManager{}).Download(t.Context(), h, []string{"frr"}); err != nil {
		t.Fatal(err)
	}
	if err := (aptManager{}).Upgrade(t.Context(), h, []string{"frr"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dpkg-state.sh", download, upgrade}, h.Log); diff != "" {
		t.Error(diff)
	}
}

// The name of a host in the preferences is what keeps FRR to its repository.
func TestFilesOfAnAptRepository(t *testing.T) {
	files := (aptManager{}).RepositoryFiles(Repository{Repository: inventory.Repository{URL: "https://m.example.net:8443/frr", Suite: "bookworm", Key: "k"}})
	want := map[string]string{
		"/etc/apt/keyrings/ipfabric-frr.asc":           "k",
		"/etc/apt/preferences.d/ipfabric-frr":          "# Written by ipfabric.\nPackage: frr frr-* libyang*\nPin: origin \"m.example.net\"\nPin-Priority: 900\n",
		"/etc/apt/sources.list.d/ipfabric-frr.sources": "# Written by ipfabric.\nTypes: deb\nURIs: https://m.example.net:8443/frr\nSuites: bookworm\nSigned-By: /etc/apt/keyrings/ipfabric-frr.asc\n",
	}
	got := map[string]string{}
	for _, f := range files {
		got[f.Path] = string(f.Data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// apt takes half installed packages for installed.
func TestWhatWasCutOffIsCompletedFirst(t *testing.T) {
	const configure = "to-the-end.sh env LC_ALL=C DEBIAN_FRONTEND=noninteractive dpkg-configure.sh " + apt
	h := aptHost()
	h.Answers["dpkg-state.sh"], h.Answers[configure], h.Answers[installFRR] = "configure\n", "", ""
	if err := (aptManager{}).Install(t.Context(), h, []string{"frr"}, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"dpkg-state.sh", configure, "dpkg-state.sh", installFRR}, h.Log); diff != "" {
		t.Error(diff)
	}
	h.Status[configure] = 1
	if err := (aptManager{}).Install(t.Context(), h, []string{"frr"}, true); err == nil {
		t.Error("a dpkg that fails is no error")
	}
	h.Fail["dpkg-state.sh"] = errors.New("lost the connection")
	if err := (aptManager{}).Install(t.Context(), h, []string{"frr"}, true); err == nil {
		t.Error("what is half installed is not known, and packages are changed")
	}
}
