package inventory

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// writtenHeader begins the first line of every frr.conf that ipfabric wrote.
const writtenHeader = "Written by ipfabric"

// frr checks where FRR comes from. What is not set for a host comes from the fabric's settings;
// a host's own extra lines follow those of the fabric.
func (c *checker) frr(raw *rawFRR, path string, def FRR) FRR {
	out := def
	if out.Source == "" {
		out.Source = "distribution"
	}
	known := !raw.Source.bad
	if raw.Source.given() && known {
		out.Source = c.oneOf(raw.Source, path+".source", "distribution", "upstream", "mirror", "preinstalled")
		known = out.Source == raw.Source.s
	}
	if known && raw.Series.given() && !raw.Series.bad {
		out.Series = c.series(raw.Series, path+".series", out.Source)
	}
	if raw.Mirror.Apt.given() {
		out.Mirror.Apt = c.aptRepository(&raw.Mirror.Apt, path+".mirror.apt")
	}
	if raw.Mirror.RPM.given() {
		out.Mirror.RPM = c.repository(&raw.Mirror.RPM, path+".mirror.rpm")
	}
	where := orPlace(raw.Source.at, raw.at)
	switch {
	case !known: // the keys that depend on the source cannot be checked
	case out.Source == "upstream" && out.Series == "" && !raw.Series.given():
		c.errorf(where, `write series: "10.3", the release that the hosts are to have`, "%s: an upstream FRR without its series: a later run could get another major version", path)
	case out.Source == "mirror" && out.Mirror == Mirror{} && !raw.Mirror.Apt.given() && !raw.Mirror.RPM.given() && !raw.Mirror.bad:
		c.errorf(where, "write mirror: {apt: {url: ..., key: ...}}, or rpm for AlmaLinux, Rocky and RHEL", "%s: the mirror has no address", path)
	}
	if raw.Extra.given() && !raw.Extra.bad {
		out.Extra += c.extra(raw.Extra, path+".extra")
	}
	return out
}

var seriesRE = regexp.MustCompile(`^([7-9]|[1-9][0-9])(\.[0-9]{1,2})?$`)

// oldSeriesRE are the series before 7.5. "7" is no old one: it is 7.5, the last 7.x.
var oldSeriesRE = regexp.MustCompile(`^([2-6](\.[0-9]{1,2})?|7\.[0-4])$`)

var fingerprintRE = regexp.MustCompile(`^[0-9A-F]{40}$`)

// series is one of FRR's release lines, as its repository names them.
func (c *checker) series(t text, path, source string) string {
	const hint = `write a release line such as "10.3"; deb.frrouting.org and rpm.frrouting.org list them`
	series := strings.TrimPrefix(t.s, "frr-")
	switch {
	case t.s == "":
		return ""
	case source != "upstream":
		c.errorf(t.at, "write source: upstream too, or remove it", "%s: only FRR's own repository has series, and the source here is %s", path, source)
	case series == "stable" || series == "rc":
		c.errorf(t.at, hint, "%s: %s does not stay the same version", path, quote(t.s))
	case oldSeriesRE.MatchString(series):
		c.errorf(t.at, hint, "%s: ipfabric writes configuration for FRR 7.5 and later, and %s is older", path, quote(t.s))
	case !seriesRE.MatchString(series):
		c.errorf(t.at, hint, "%s: %s is not a series of FRR", path, quote(t.s))
	default:
		return series
	}
	return ""
}

// aptRepository checks a repository with the suite and component that only apt needs.
func (c *checker) aptRepository(raw *rawAptRepository, path string) Repository {
	r := c.repository(&rawRepository{raw.at, raw.URL, raw.Key, raw.Fingerprint}, path)
	r.Suite = c.word(raw.Suite, path+".suite", "bookworm")
	r.Component = c.word(raw.Component, path+".component", "main")
	flat := strings.HasSuffix(r.Suite, "/")
	switch {
	case flat && r.Component != "":
		c.errorf(raw.Component.at, "remove it", "%s.component: a repository without dists (suite %s) has no components", path, quote(r.Suite))
	case !flat && r.Component == "":
		r.Component = "main"
	}
	return r
}

// repository checks what both apt and dnf need.
func (c *checker) repository(raw *rawRepository, path string) Repository {
	if raw.bad {
		return Repository{}
	}
	r := Repository{URL: c.repositoryURL(raw.URL, path, raw.at)}
	if !raw.Key.given() {
		c.errorf(raw.at, "write key: mirror.asc, a file on this machine with the public key that the repository is signed with", "%s has no key", path)
	} else {
		r.KeyFile = c.path(raw.Key, path+".key")
	}
	if raw.Fingerprint.given() && !raw.Fingerprint.bad {
		r.Fingerprint = strings.ToUpper(strings.Join(strings.Fields(raw.Fingerprint.s), ""))
		if !fingerprintRE.MatchString(r.Fingerprint) {
			c.errorf(raw.Fingerprint.at, "write all 40 digits that `gpg --show-keys` prints", "%s.fingerprint: %s is not the fingerprint of an OpenPGP key", path, quote(raw.Fingerprint.s))
		}
	}
	return r
}

func (c *checker) repositoryURL(t text, path string, parent at) string {
	const hint = "write url: https://mirror.example.net/frr"
	if !t.given() {
		c.errorf(parent, hint, "%s has no url", path)
		return ""
	}
	if t.bad {
		return ""
	}
	u, err := url.Parse(t.s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.errorf(t.at, hint, "%s.url: %s is not an http or https address", path, quote(t.s))
	case u.User != nil:
		c.errorf(t.at, "put it into the host's /etc/apt/auth.conf.d, or let the mirror accept hosts by their address", "%s.url has a user name or password in it, which must not be in the inventory", path)
	case u.RawQuery != "" || u.Fragment != "" || !plain(t.s):
		c.errorf(t.at, hint, "%s.url: %s has characters in it that apt and dnf do not take", path, quote(t.s))
	default:
		return strings.TrimRight(t.s, "/")
	}
	return ""
}

// word checks a suite or component, which must be one word of a line in sources.list.
func (c *checker) word(t text, path, example string) string {
	if !t.given() || t.bad {
		return ""
	}
	if t.s == "" || !plain(t.s) {
		c.errorf(t.at, "write one word such as "+example, "%s: %s is not one word", path, quote(t.s))
		return ""
	}
	return t.s
}

// plain says whether a text has no blanks and no characters that have a meaning in
// the files of apt and dnf.
func plain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsGraphic(r) || strings.ContainsRune(" []#,;\"'\\|", r)
	})
}

// extra checks lines for frr.conf, which are kept as they are, and ends the last one.
func (c *checker) extra(t text, path string) string {
	if strings.TrimSpace(t.s) == "" {
		return ""
	}
	for _, r := range t.s {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			c.errorf(t.at, "write plain lines of frr.conf", "%s has the control character %s in it", path, quote(string(r)))
			return ""
		}
	}
	if strings.Contains(t.s, writtenHeader) {
		c.errorf(t.at, "write only the lines of your own, not the frr.conf that they go into", "%s has %s in it, which marks the files of ipfabric", path, quote(writtenHeader))
		return ""
	}
	return strings.TrimRight(t.s, "\n") + "\n"
}
