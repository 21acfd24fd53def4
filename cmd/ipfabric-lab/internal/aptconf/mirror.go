package aptconf

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Mirror is where a distribution's packages come from.
type Mirror struct {
	Main       string   // URI of the archive
	Security   string   // URI of the archive of security updates; "" is none
	Updates    bool     // the host also uses the -updates suite
	Components []string // such as "main"
}

var suites = map[string][]string{
	"debian": {"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid",
		"buster", "bullseye", "bookworm", "trixie", "forky", "duke"},
	"ubuntu": {"bionic", "focal", "jammy", "noble", "plucky", "questing", "resolute"},
}

// FindMirror picks the mirror of a distribution ("debian", "ubuntu") among
// the host's sources. Whatever release the host itself is of, a mirror has the
// others too.
func FindMirror(sources []Source, distribution string) (Mirror, error) {
	var m Mirror
	var best, bestSecurity int
	for _, s := range sources {
		trust := trust(s, distribution)
		if trust == 0 || !slices.Contains(s.Components, "main") {
			continue
		}
		for _, suite := range s.Suites {
			name, pocket := splitSuite(suite)
			if !slices.Contains(suites[distribution], name) {
				continue
			}
			switch pocket {
			case "":
				if trust > best {
					best, m.Main = trust, s.URI
				}
			case "security":
				if trust > bestSecurity {
					bestSecurity, m.Security = trust, s.URI
				}
			case "updates":
				m.Updates = true
			}
		}
	}
	if m.Main == "" {
		return Mirror{}, fmt.Errorf("the host's apt sources name no mirror of %s", distribution)
	}
	m.Components = []string{"main"}
	if distribution == "ubuntu" {
		m.Components = append(m.Components, "universe") // FRR and BIRD are there
	}
	return m, nil
}

// trust says how surely a source is the distribution's own archive and not
// somebody else's that uses the same suite names: 0 is not at all.
func trust(s Source, distribution string) int {
	keyring := distribution + "-archive-keyring"
	other := s.SignedBy != "" && !strings.Contains(s.SignedBy, keyring)
	if other {
		return 0
	}
	score := 1
	if s.SignedBy != "" {
		score++
	}
	base := path.Base(strings.TrimRight(s.URI, "/"))
	if base == distribution || base == distribution+"-security" {
		score++
	}
	return score
}

// splitSuite takes "bookworm-security" apart; "buster/updates" is the old form
// of the same.
func splitSuite(suite string) (name, pocket string) {
	suite = strings.TrimSuffix(suite, "/")
	if name, ok := strings.CutSuffix(suite, "/updates"); ok {
		return name, "security"
	}
	name, pocket, _ = strings.Cut(suite, "-")
	return name, pocket
}

// SourcesList renders sources.list for a release of the mirror's distribution.
func (m Mirror) SourcesList(codename string) string {
	comps := strings.Join(m.Components, " ")
	out := fmt.Sprintf("deb %s %s %s\n", m.Main, codename, comps)
	if m.Updates {
		out += fmt.Sprintf("deb %s %s-updates %s\n", m.Main, codename, comps)
	}
	if m.Security != "" {
		out += fmt.Sprintf("deb %s %s-security %s\n", m.Security, codename, comps)
	}
	return out
}
