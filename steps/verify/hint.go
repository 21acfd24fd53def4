package verify

import (
	"fmt"
	"slices"
	"strings"
)

// downHint says what to look at next where a session is down: at the likely
// cause, which is often something other than what the two ends see.
func (j judge) downHint(near, far side) string {
	if _, hint := j.cause(near, far); hint != "" {
		return hint
	}
	both := []side{near, far}
	for _, s := range both {
		switch {
		case s.seen() && !s.known:
			return repair(s)
		case s.peer.Shutdown && s.frr():
			return fmt.Sprintf("this session was shut down by hand on %s; `ipfabric init --limit %s` lets it come up again", s.name(), s.name())
		case s.peer.Shutdown:
			return fmt.Sprintf("this session was disabled by hand on %s: enable it there", s.name())
		}
	}
	if hint := j.errorHint(both); hint != "" {
		return hint
	}
	for _, s := range both {
		// FRR 10.2 and 10.3 do not even try again once BFD went down: frrbfd.go.
		// 8.4 tries in state Connect or Active.
		if s.frr() && s.peer.State == "Idle" && s.peer.Since >= 0 && s.peer.BFD != "" && s.peer.BFD != "Up" {
			return fmt.Sprintf("if %s answers pings again, FRR on %s is stuck: some releases of FRR 10 leave a session Idle for good once BFD went down; `ipfabric init --limit %s` takes BFD away there, and the session comes up",
				s.otherHost.Name, s.name(), s.name())
		}
	}
	if near.peer.Up() || far.peer.Up() {
		return fmt.Sprintf("one end has not noticed yet what the other has: look again after the hold time of %s", j.f.BGP.HoldTime)
	}
	for _, s := range both {
		if s.peer.BFD == "Up" {
			return fmt.Sprintf("BFD is up, so packets pass: is the BGP password the same on both ends, and 179/tcp open? %s", compare(both))
		}
	}
	if !far.asked {
		return unaskedHint(far, near)
	}
	if !near.asked {
		return unaskedHint(near, far)
	}
	return fmt.Sprintf("do packets pass, and is 179/tcp open? %s", j.f.SSHLine(near.host.Host, fmt.Sprintf("ping -c 3 -I %s %s", near.own, near.other)))
}

// cause returns the failed check of one of the ends that explains why a session
// is down or cannot be judged, "" if there is none, and where to look.
func (j judge) cause(near, far side) (check, hint string) {
	both := []side{near, far}
	for _, s := range both {
		switch {
		case s.asked && s.down:
			return checkOf(s.name(), checkReachable), fmt.Sprintf("first %s: why it cannot be reached stands with its checks", s.name())
		case s.asked && s.isCore() && !s.seen():
			return checkOf(s.name(), checkReachable), fmt.Sprintf("first %s: why its looking glass gives no answer stands with its checks", s.name())
		case s.frr() && !s.seen():
			return checkOf(s.name(), checkFRR), fmt.Sprintf("%s does not answer on 179/tcp: is bgpd running? %s", s.name(), j.f.SSHLine(s.host.Host, "systemctl status frr"))
		}
	}
	for _, s := range both {
		if s.failed(checkFRR) {
			return checkOf(s.name(), checkFRR), fmt.Sprintf("first %s: what is wrong with its FRR stands with its checks", s.name())
		}
	}
	return "", ""
}

// errorHint knows what some of the errors mean (RFC 4271, 4.5; RFC 4486).
func (j judge) errorHint(both []side) string {
	has := func(text string) bool {
		return slices.ContainsFunc(both, func(s side) bool { return !s.peer.Up() && strings.Contains(s.peer.LastError, text) })
	}
	switch {
	case has("Maximum Number of Prefixes"):
		return "more prefixes came in than bgp.max_prefixes (from a node) or bgp.core_max_prefixes of the inventory allows; if so many are right, raise it, and `ipfabric init` has FRR try again at once; else FRR tries again after 5 minutes"
	case has("Bad Peer AS"):
		return "the two ends have different AS numbers: " + compare(both)
	case has("Bad BGP Identifier"):
		return "the two ends have the same router ID: " + compare(both)
	case has("Unsupported Capability"):
		return "the two ends have no address family in common: " + compare(both)
	case has("o route to"):
		for _, s := range both {
			if strings.Contains(s.peer.LastError, "o route to") {
				return fmt.Sprintf("is the link of %s up? %s", s.name(), j.f.SSHLine(s.host.Host, "ip route get "+s.other.String()))
			}
		}
	}
	return ""
}

// compare says how to see whether both ends are configured as they should be.
func compare(both []side) string {
	var managed, out []string
	for _, s := range both {
		if s.frr() {
			managed = append(managed, s.name())
		}
	}
	if len(managed) > 0 {
		out = append(out, fmt.Sprintf("`ipfabric plan --limit %s` compares with the inventory", strings.Join(managed, ",")))
	}
	for i, s := range both {
		if !s.frr() {
			out = append(out, unaskedHint(s, both[1-i]))
		}
	}
	return strings.Join(out, "; ")
}

// unaskedHint is about an end that ipfabric does not configure.
func unaskedHint(s, from side) string {
	switch {
	case s.isCore() && s.asked:
		return fmt.Sprintf("`ipfabric gateway %s` prints the configuration that %s needs", s.name(), s.name())
	case s.isCore():
		return fmt.Sprintf("`ipfabric gateway %s` prints the configuration that %s needs, `show bgp neighbor %s` there says what it sees", s.name(), s.name(), from.own)
	}
	return fmt.Sprintf("%s is not managed by ipfabric: look there at its neighbor %s", s.name(), from.own)
}

// repair says how an end gets what it lacks.
func repair(s side) string {
	name := s.name()
	switch {
	case s.frr():
		return fmt.Sprintf("`ipfabric plan --limit %s` shows what %s lacks, `ipfabric init --limit %s` adds it", name, name, name)
	case s.isCore():
		return fmt.Sprintf("`ipfabric gateway %s` prints the configuration that %s needs", name, name)
	}
	return fmt.Sprintf("%s is not managed by ipfabric: look there at its neighbor %s", name, s.other)
}
