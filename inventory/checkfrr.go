package inventory

import (
	"slices"
	"strings"
)

// writtenHeader begins the first line of every frr.conf that ipfabric wrote.
const writtenHeader = "Written by ipfabric"

// frr checks where FRR comes from. A host's own extra lines follow those of
// the fabric.
func (c *checker) frr(raw *rawFRR, path string, def FRR) FRR {
	out := def
	if out.Source == "" {
		out.Source = "distribution"
	}
	if raw.Source.given() && !raw.Source.bad {
		out.Source = c.frrSource(raw.Source, path)
	}
	if raw.Series.given() && !raw.Series.bad && raw.Series.s != "" {
		c.errorf(raw.Series.at, "remove it: the host's FRR is what its distribution has", "%s.series: choosing a series is not supported by this version", path)
	}
	if raw.Extra.given() && !raw.Extra.bad {
		out.Extra += c.extra(raw.Extra, path+".extra")
	}
	return out
}

func (c *checker) frrSource(t text, path string) string {
	known := []string{"distribution", "preinstalled"}
	if slices.Contains(known, t.s) {
		return t.s
	}
	if near, ok := nearest(t.s, known); ok {
		c.errorf(t.at, "did you mean "+near+"?", "%s.source: %s is not known", path, quote(t.s))
		return known[0]
	}
	c.errorf(t.at, "write "+orList(known), "%s.source: %s is not supported by this version", path, quote(t.s))
	return known[0]
}

// extra takes lines for frr.conf as they are, in whole lines.
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
