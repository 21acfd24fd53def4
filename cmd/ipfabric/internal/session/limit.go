package session

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"ipfabric/cmd/ipfabric/internal/ui"
	"ipfabric/inventory"
)

// A limit is what --limit selects. The zero value selects all hosts.
type limit struct {
	words    []string // as they were given, to be repeated in hints
	hosts    []string // the selected hosts, each once; none is all
	named    []string // those of hosts that were given by their names
	excluded []string // hosts that must not be contacted at all
}

// LimitGroups are the words of --limit that stand for all hosts of a role.
var LimitGroups = map[string]string{
	"@rrs":   inventory.RoleRouteReflector,
	"@cores": inventory.RoleCoreGateway,
	"@nodes": inventory.RoleNode,
}

// parseLimit reads the words of --limit: names of hosts, patterns as path.Match
// takes them, and groups of LimitGroups. A word that begins with ! excludes its
// hosts, wherever it stands; where all words exclude, the other hosts of the
// fabric are selected. A word that fits no host is an error, and so is a
// selection without a host.
func parseLimit(fabric *inventory.Fabric, words []string) (limit, error) {
	l := limit{}
	all := fabric.Hosts()
	includes := false
	for _, word := range words {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		what, excludes := strings.CutPrefix(word, "!")
		found, err := selectHosts(all, what)
		if err != nil {
			return limit{}, err
		}
		l.words = append(l.words, word)
		switch {
		case excludes:
			l.excluded = append(l.excluded, found...)
			continue
		case slices.Contains(found, what):
			l.named = append(l.named, what)
		}
		includes = true
		l.hosts = append(l.hosts, found...)
	}
	if len(l.words) == 0 {
		return limit{}, nil
	}
	if !includes {
		l.hosts = names(all)
	}
	var hosts []string
	for _, name := range l.hosts {
		if !slices.Contains(hosts, name) && !slices.Contains(l.excluded, name) {
			hosts = append(hosts, name)
		}
	}
	if l.hosts = hosts; len(hosts) == 0 {
		return limit{}, ui.Usagef("take out one of the words that begin with !", "--limit %s leaves no host", strings.Join(l.words, ","))
	}
	return l, nil
}

// selectHosts names the hosts that one word of --limit stands for.
func selectHosts(all []inventory.HostRole, word string) ([]string, error) {
	var out []string
	if role, ok := LimitGroups[word]; ok {
		for _, h := range all {
			if h.Role == role {
				out = append(out, h.Name)
			}
		}
		if len(out) == 0 {
			return nil, ui.Usagef("", "--limit: the fabric has no host of %s", word)
		}
		return out, nil
	}
	if strings.HasPrefix(word, "@") {
		return nil, ui.Usagef("write @rrs, @nodes or @cores", "--limit: there is no group %q", word)
	}
	for _, h := range all {
		ok, err := path.Match(word, h.Name)
		if err != nil {
			return nil, ui.Usagef("in patterns, * stands for any characters, ? for one, [ab] for one of these", "--limit: %q is not a pattern", word)
		}
		if ok {
			out = append(out, h.Name)
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	hint := "the fabric's hosts are " + strings.Join(names(all), ", ")
	if strings.ContainsAny(word, `*?[\`) {
		return nil, ui.Usagef(hint, "--limit: no host of the fabric fits %q", word)
	}
	if near := inventory.Nearest(word, names(all)); near != "" {
		hint = fmt.Sprintf("did you mean %s?", near)
	}
	return nil, ui.Usagef(hint, "--limit: the fabric has no host %q", word)
}

func names(hosts []inventory.HostRole) []string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return out
}

// all says whether there is no limit.
func (l limit) all() bool { return len(l.hosts) == 0 }

// has says whether a host is selected.
func (l limit) has(name string) bool { return l.all() || slices.Contains(l.hosts, name) }
