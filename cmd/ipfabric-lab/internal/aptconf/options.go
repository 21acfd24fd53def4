package aptconf

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// An Option is one setting of apt.conf(5) that the machines need to reach the
// mirrors as the host does.
type Option struct{ Key, Value string }

var wantedOption = regexp.MustCompile(`(?i)^Acquire::(https?::Proxy(::.*)?|Check-Valid-Until|Check-Date)$`)

var dumpLine = regexp.MustCompile(`^(\S+) "(.*)";$`)

// ParseDump takes the wanted options out of what `apt-config dump` says.
func ParseDump(dump string) []Option {
	var out []Option
	for line := range strings.Lines(dump) {
		m := dumpLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || !wantedOption.MatchString(m[1]) || m[2] == "" {
			continue
		}
		out = append(out, Option{m[1], m[2]})
	}
	return out
}

// Proxy returns the proxy for a scheme ("http", "https"), or "" if there is
// none.
func Proxy(opts []Option, scheme string) string {
	for _, o := range opts {
		if strings.EqualFold(o.Key, "Acquire::"+scheme+"::Proxy") && !strings.EqualFold(o.Value, "DIRECT") {
			return o.Value
		}
	}
	return ""
}

// Conf renders the options as an apt.conf file for a machine. Where the host
// says "this host", the machine must say the host's address on its network.
func Conf(opts []Option, host string) string {
	var b strings.Builder
	for _, o := range opts {
		fmt.Fprintf(&b, "%s \"%s\";\n", o.Key, FromMachine(o.Value, host))
	}
	return b.String()
}

// FromMachine turns a URL that names this host by its loopback address into
// one that reaches it from a machine. Anything else stays as it is.
func FromMachine(rawURL, host string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return rawURL
	}
	name := u.Hostname()
	if name != "localhost" && name != "::1" && !strings.HasPrefix(name, "127.") {
		return rawURL
	}
	u.Host = host
	if p := portOf(rawURL); p != "" {
		u.Host += ":" + p
	}
	return u.String()
}

func portOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	return u.Port()
}
