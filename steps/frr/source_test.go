package frr

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"ipfabric/inventory"
	"ipfabric/steps/step/steptest"
)

// aptMirror is a mirror's repository, whose key is not one that anybody checks here.
func aptMirror() inventory.Host {
	repo := inventory.Repository{URL: "http://mirror.example.net/frr", Component: "main", KeyFile: "/etc/fab/mirror.asc", Key: "the key\n"}
	return inventory.Host{FRR: inventory.FRR{Source: "mirror", Mirror: inventory.Mirror{Apt: repo}}}
}

const (
	aptKey         = "/etc/apt/keyrings/ipfabric-frr.asc"
	aptPreferences = "/etc/apt/preferences.d/ipfabric-frr"
	aptSource      = "/etc/apt/sources.list.d/ipfabric-frr.sources"

	// ourLists fetches the lists of our repository alone.
	ourLists = "apt-lists.sh any env LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y " +
		"-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold " +
		"-o Dir::Etc::sourcelist=" + aptSource + " -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0"
)

// mirrorHost is a Debian 12 with FRR and without a repository of ours. Its
// trial of aptMirror prints tried.
func mirrorHost(tried string) *steptest.Host {
	h := frrHost()
	h.Answers["apt-try.sh the key\n # Written by ipfabric.\nTypes: deb\nURIs: http://mirror.example.net/frr\nSuites: bookworm\nComponents: main\nSigned-By: \n frr frr-pythontools"] = tried
	for _, path := range []string{aptKey, aptPreferences, aptSource} {
		h.Answers["settle-file.sh root:root "+path] = ""
		h.Answers["rm -f "+path] = ""
	}
	h.Answers["stat-files.sh "+aptKey+" "+aptPreferences+" "+aptSource] = "absent\nabsent\nabsent\n"
	h.Answers[ourLists] = ""
	return h
}

func TestAMirrorIsTriedAndPutInPlace(t *testing.T) {
	h := mirrorHost("frr 8.4.4-1\nfrr-pythontools 8.4.4-1\n")
	s := sourced{host: aptMirror()}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 3 {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	const want = "# Written by ipfabric.\nTypes: deb\nURIs: http://mirror.example.net/frr\nSuites: bookworm\nComponents: main\nSigned-By: /etc/apt/keyrings/ipfabric-frr.asc\n"
	if got := h.Files[aptSource]; got != want {
		t.Errorf("the source is\n%s", got)
	}
	if !strings.Contains(h.Files[aptPreferences], `Pin: origin "mirror.example.net"`) || h.Files[aptKey] != "the key\n" {
		t.Errorf("got %q, %q", h.Files[aptPreferences], h.Files[aptKey])
	}
	if steptest.Position(t, h, "write "+aptKey) > steptest.Position(t, h, "write "+aptSource) {
		t.Error("for a moment there is a source without its key")
	}
}

func TestAMirrorThatDoesNotWorkChangesNothing(t *testing.T) {
	for said, want := range map[string]string{
		"failed\nW: GPG error: x: NO_PUBKEY 27\nE: The repository 'x' is not signed.\n":   "is not signed with the key that is given for it: GPG error: x: NO_PUBKEY 27; The repository 'x' is not signed",
		"failed\nW: Failed to fetch http://x  Could not connect\n":                        "cannot be used by this host: Failed to fetch http://x  Could not connect",
		"failed\nE: The repository 'x' does not have a Release file.\n":                   "has no FRR for this host: The repository 'x' does not have a Release file",
		"failed\nmktemp: failed to create directory: No space left on device\n":           "cannot be tried out, as a disk of the host is full",
		"failed\nE: x: The following signatures were invalid: EXPKEYSIG 1\n":              "has a signature or key that has expired",
		"failed\nW: Failed to fetch https://x  server certificate verification failed.\n": "does not trust its certificate",
		"frr 8.4.4-1\n": "has no FRR for this host: no package frr-pythontools",
	} {
		h := mirrorHost(said)
		s := sourced{host: aptMirror()}
		_, err := s.Check(t.Context(), h)
		if hint := (interface{ Hint() string })(nil); err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%q:\ngot  %v\nwant %s and a hint", said, err, want)
		}
		if err := s.Apply(t.Context(), h); err == nil || h.Files[aptSource] != "" || h.Files[aptKey] != "" {
			t.Errorf("%q was put in place: %v", said, err)
		}
	}
}

// A repository that fails after all is taken back, and what was there before returns.
func TestAMirrorThatFailsInPlaceIsTakenBack(t *testing.T) {
	h := mirrorHost("frr 8.4.4-1\nfrr-pythontools 8.4.4-1\n")
	h.Files[aptKey] = "an older key\n"
	h.Status[ourLists] = 100
	if err := (sourced{host: aptMirror()}).Apply(t.Context(), h); err == nil {
		t.Error("no error")
	}
	steptest.Position(t, h, "rm -f "+aptSource)
	if h.Files[aptKey] != "an older key\n" {
		t.Errorf("the key is %q", h.Files[aptKey])
	}
}

func TestARepositoryOfOursGoesWithItsSource(t *testing.T) {
	h := mirrorHost("")
	h.Answers[askOurDebs] = aptSource + "\n"
	h.Answers["rm -f "+aptSource+" "+aptPreferences+" "+aptKey] = ""
	s := sourced{host: inventory.Host{FRR: inventory.FRR{Source: "distribution"}}}
	if diff, err := s.Check(t.Context(), h); err != nil || len(diff) != 1 {
		t.Errorf("got %v, %v", diff, err)
	}
	if err := s.Apply(t.Context(), h); err != nil {
		t.Error(err)
	}
}

func TestAMirrorOfTheOtherKind(t *testing.T) {
	h := el8Host()
	_, err := sourced{host: aptMirror()}.Check(t.Context(), h)
	if hint := (interface{ Hint() string })(nil); !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "frr.mirror.rpm") {
		t.Errorf("got %v", err)
	}
}

func TestUpstreamIsPinned(t *testing.T) {
	for name, want := range map[string][]string{
		"debian13": {"URIs: https://deb.frrouting.org/frr\n", "Suites: trixie\n", "Components: frr-10.3\n"},
		"el9":      {"baseurl=https://rpm.frrouting.org/repo/el9/frr10\n", "includepkgs=frr-10.3-* frr-10.3.* ", "[ipfabric-frr-extras]", "baseurl=https://rpm.frrouting.org/repo/el9/extras\n", "gpgcheck=1\n", "priority=10\n"},
	} {
		p, repo, err := repositoryOf(t.Context(), &steptest.Host{}, inventory.Host{OS: name, FRR: inventory.FRR{Source: "upstream", Series: "10.3"}})
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for _, f := range p.Packages.RepositoryFiles(*repo) {
			text.Write(f.Data)
		}
		for _, w := range want {
			if !strings.Contains(text.String(), w) {
				t.Errorf("%s: no %q in\n%s", name, w, text.String())
			}
		}
	}
}

// Only the project's own keys are taken, wherever the file comes from.
func TestUpstreamKeys(t *testing.T) {
	stranger, err := os.ReadFile("../../inventory/testdata/key.asc")
	if err != nil {
		t.Fatal(err)
	}
	for name, get := range map[string]func(context.Context, string) ([]byte, error){
		"a stranger's key": func(context.Context, string) ([]byte, error) { return stranger, nil },
		"an error page":    func(context.Context, string) ([]byte, error) { return []byte("<html>"), nil },
		"no way out":       func(context.Context, string) ([]byte, error) { return nil, errors.New("no route to host") },
	} {
		keys := UpstreamKeys{get: get}
		key, err := keys.of(t.Context(), "debian")
		if hint := (interface{ Hint() string })(nil); key != "" || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "source: mirror") {
			t.Errorf("%s: got %q, %v", name, key, err)
		}
	}
	block, _, _ := strings.Cut(strings.SplitAfterN(string(stranger), "\n\n", 2)[1], "\n=")
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(block, "\n", ""))
	if err != nil || pinned(data, "el") == nil {
		t.Errorf("a stranger's key is taken for the project's: %v", err)
	}
}
