package packages

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/inventory"
)

// A Repository is where a host's FRR comes from, if not its distribution.
type Repository struct {
	inventory.Repository
	Series  string // the release line that is taken of it; "" is all
	Extras  string // RPM: URL of what FRR needs beside, such as libyang; "" is none
	KeyPath string // in the inventory, for hints; "" is the FRR project's
}

// Name is how users know it: "URL SUITE COMPONENT".
func (r Repository) Name() string {
	return strings.TrimSpace(strings.Join([]string{r.URL, r.Suite, r.Component}, " "))
}

// errRepository is an error with a hint: a repository that does not work.
type errRepository struct {
	repo Repository
	said string // what apt, dnf or rpm said
}

func (e errRepository) kind() (what, hint string) {
	has := func(signs ...string) bool { return containsAny(e.said, signs...) }
	switch {
	case has("No space left"):
		return "cannot be tried out, as a disk of the host is full", "make room on the host"
	case has("EXPKEYSIG", "KEYEXPIRED", "expired"):
		return "has a signature or key that has expired", "does the host have the right time? Else ask who runs the repository for its new key"
	case has("NO_PUBKEY", "Missing key", "not signed", "not OK", "NOT OK", "no signature", "BADSIG", "invalid signature"):
		return "is not signed with the key that is given for it", e.keyHint()
	case has("404", "does not have a Release file", "no package", "Unable to find a match"):
		return "has no FRR for this host", "look at it from the host: is the URL right, and the suite or series there for its release?"
	case has("ertificate"):
		return "cannot be reached over https, as the host does not trust its certificate", "is the package ca-certificates installed on the host, and its time right?"
	}
	return "cannot be used by this host", "is the URL right, and may the host reach it? A proxy belongs into the host's apt or dnf configuration"
}

func (e errRepository) keyHint() string {
	if e.repo.KeyPath == "" {
		return "FRR's project has a new key, or this is not its repository: nothing was changed. Use source: mirror with its URL and a key that you trust"
	}
	return "name the repository's public key in " + e.repo.KeyPath + "; `gpg --show-keys " + e.repo.KeyFile + "` shows whose key that is"
}

func (e errRepository) Error() string {
	what, _ := e.kind()
	return fmt.Sprintf("the repository %s %s: %s", e.repo.Name(), what, e.said)
}

func (e errRepository) Hint() string {
	_, hint := e.kind()
	return hint
}

// triedVersions reads what a trial prints: a package and its version on each
// line, or "failed" and why.
func triedVersions(repo Repository, out string) (map[string]string, error) {
	if said, failed := strings.CutPrefix(out, "failed\n"); failed {
		return nil, errRepository{repo, oneSentence(said)}
	}
	versions := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 2 {
			versions[f[0]] = f[1]
		}
	}
	return versions, nil
}

// oneSentence joins what a program printed, without the marks in front.
func oneSentence(said string) string {
	var parts []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		for _, mark := range []string{"E: ", "W: ", "- ", "Error: "} {
			line = strings.TrimPrefix(line, mark)
		}
		if line != "" {
			parts = append(parts, strings.TrimRight(line, "."))
		}
	}
	return strings.Join(parts, "; ")
}

// containsAny says whether a program's text has one of some signs in it.
func containsAny(text string, signs ...string) bool {
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(text, sign) })
}
