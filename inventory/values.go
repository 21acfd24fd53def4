package inventory

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A checker makes a Fabric of a rawFabric and records what is wrong with it.
// Its methods return the zero value for what they refuse, and their callers
// do not check zero values any further, so that one mistake gives one error.
type checker struct {
	problems
	f     *Fabric
	dir   string // of the file; relative paths start there
	pools []poolAt
	taken map[string]owner // the owner of each name, address, router ID …
	homes func() (string, error)
	// reflectorRefused says that a reflector, or an address of one, was left
	// out because of an error: it may be the one that seems to be missing.
	reflectorRefused bool
}

type poolAt struct {
	netip.Prefix
	at
}

// An owner is the host that has a value that must be unique.
type owner struct {
	name string
	line int
}

// boolean accepts yes and no too, but not the other words of YAML 1.1.
func (c *checker) boolean(t text, path string, def bool) bool {
	if !t.given() || t.bad {
		return def
	}
	switch strings.ToLower(t.s) {
	case "true", "yes":
		return true
	case "false", "no":
		return false
	}
	c.errorf(t.at, "write true or false", "%s: %s is neither true nor false", path, quote(t.s))
	return def
}

// oneOf accepts one of the words; the first is the default.
func (c *checker) oneOf(t text, path string, words ...string) string {
	if !t.given() || t.bad {
		return words[0]
	}
	for _, w := range words {
		if t.s == w {
			return w
		}
	}
	known := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" })
	hint := "write " + orList(known)
	if near := nearest(t.s, words); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.errorf(t.at, hint, "%s: %s is not known", path, quote(t.s))
	return words[0]
}

func (c *checker) integer(t text, path string, def, least, most int) int {
	if !t.given() || t.bad {
		return def
	}
	n, err := strconv.Atoi(t.s)
	if err != nil || strings.HasPrefix(t.s, "+") {
		c.errorf(t.at, "write a number such as "+strconv.Itoa(def), "%s: %s is not a whole number", path, quote(t.s))
		return def
	}
	if n < least || n > most {
		c.errorf(t.at, "write a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most), "%s: %d is out of range", path, n)
		return def
	}
	return n
}

// duration accepts Go's form, "1m30s", in whole units.
func (c *checker) duration(t text, path string, def, least, most, unit time.Duration) time.Duration {
	if !t.given() || t.bad {
		return def
	}
	d, err := time.ParseDuration(t.s)
	if _, bare := strconv.Atoi(t.s); bare == nil {
		c.errorf(t.at, "write the unit too, such as "+short(def), "%s: %s has no unit", path, quote(t.s))
		return def
	}
	if err != nil {
		c.errorf(t.at, "write a duration such as "+short(def), "%s: %s is not a duration", path, quote(t.s))
		return def
	}
	if d < least || d > most {
		c.errorf(t.at, "write a duration from "+short(least)+" to "+short(most), "%s: %s is out of range", path, t.s)
		return def
	}
	if d%unit != 0 {
		name := map[time.Duration]string{time.Second: "seconds", time.Millisecond: "milliseconds"}[unit]
		c.errorf(t.at, "write whole "+name+", such as "+short(d.Round(unit)), "%s: %s has a fraction that routers cannot keep", path, t.s)
		return def
	}
	return d
}

// short gives seconds or milliseconds, as routers do: "90s", not "1m30s".
func short(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
}

// name accepts what is safe as a file name, in frr.conf and in a report.
func (c *checker) name(t text, what, example string, parent at) string {
	if !t.given() {
		c.errorf(parent, "write "+example, "%s has no name", what)
		return ""
	}
	if t.bad {
		return ""
	}
	if msg := nameFault(t.s); msg != "" {
		c.errorf(t.at, "write up to 63 letters, digits, - _ or . such as in "+example, "%s cannot be the name of %s: %s", quote(t.s), what, msg)
		return ""
	}
	return t.s
}

func nameFault(s string) string {
	if s == "" {
		return "it is empty"
	}
	if len(s) > 63 {
		return "it is longer than 63 characters"
	}
	for _, r := range s {
		if !isAlnum(r) && !strings.ContainsRune("-_.", r) {
			return "it has " + strconv.QuoteRuneToASCII(r) + " in it"
		}
	}
	if !isAlnum(rune(s[0])) || !isAlnum(rune(s[len(s)-1])) {
		return "it must begin and end with a letter or digit"
	}
	if strings.Contains(s, "..") {
		return `it has ".." in it`
	}
	return ""
}

func isAlnum(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// address accepts an IP address that packets can be sent to from another host.
func (c *checker) address(t text, what, example string) netip.Addr {
	if t.bad {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(t.s)
	if err != nil {
		hint := "write " + example
		if p, err := netip.ParsePrefix(t.s); err == nil {
			hint = "write it without the mask: " + p.Addr().String()
		}
		c.errorf(t.at, hint, "%s: %s is not an IP address", what, quote(t.s))
		return netip.Addr{}
	}
	if msg := addressFault(a); msg != "" {
		hint := "write " + example
		if a.Is4In6() {
			hint = "write " + a.Unmap().String()
		}
		c.errorf(t.at, hint, "%s: %s %s", what, t.s, msg)
		return netip.Addr{}
	}
	return a
}

func addressFault(a netip.Addr) string {
	switch {
	case a.Is4In6():
		return "is an IPv4 address in IPv6 form"
	case a.Zone() != "":
		return "has a zone"
	case a.IsUnspecified():
		return "is no host's address"
	case a.IsLoopback():
		return "is a loopback address"
	case a.IsMulticast():
		return "is a multicast address"
	case a.Is6() && a.IsLinkLocalUnicast():
		return "is link-local: it leads nowhere without an interface"
	case a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 240):
		return "is from a reserved network"
	}
	return ""
}

// mac accepts an Ethernet address that an interface can have.
func (c *checker) mac(t text, path, example string) net.HardwareAddr {
	if t.bad {
		return nil
	}
	m, err := net.ParseMAC(t.s)
	switch {
	case err != nil || len(m) != 6:
		c.errorf(t.at, "write "+example, "%s: %s is not a MAC address", path, quote(t.s))
		return nil
	case m[0]&1 != 0:
		c.errorf(t.at, "write "+example, "%s: %s is a multicast address: the lowest bit of its first byte is set", path, t.s)
		return nil
	case strings.Trim(m.String(), "0:") == "":
		c.errorf(t.at, "write "+example, "%s: %s is no interface's address", path, t.s)
		return nil
	case m[0]&2 == 0:
		c.warnf(t.at, "write a locally administered one, such as "+example, "%s: %s belongs to a maker of network cards", path, t.s)
	}
	return m
}

// listen accepts the host:port of a server that runs on every node.
func (c *checker) listen(t text, path string) string {
	if !t.given() || t.bad || t.s == "" {
		return ""
	}
	const hint = "write an IP address and a port, such as 127.0.0.1:9472 or \"[::1]:9472\""
	host, port, err := net.SplitHostPort(t.s)
	n, errPort := parseDigits(port, 16)
	if err != nil || errPort != nil || n == 0 {
		c.errorf(t.at, hint, "%s: %s is not an address and a port", path, quote(t.s))
		return ""
	}
	if host == "" {
		return t.s
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		c.errorf(t.at, hint, "%s: %s is not an IP address", path, quote(host))
		return ""
	}
	if !a.IsLoopback() && !a.IsUnspecified() {
		c.warnf(t.at, "write 127.0.0.1, or 0.0.0.0 to listen on all of a node's addresses", "%s: every node listens on %s, and an address belongs to one host", path, host)
	}
	return t.s
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
