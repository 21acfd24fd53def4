package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/step"
	"ipfabric/steps/verify"
)

// Report gives verify's report for people: what is not well, with what to do, a line about the VMs,
// and the verdict. With all, tables of the hosts and of each route reflector's sessions come first.
func Report(r *verify.Report, all bool, paint func(Style, string) string) string {
	var b strings.Builder
	if all {
		b.WriteString(hostTable(r).Render(paint))
		for _, rr := range reflectors(r) {
			b.WriteString("\n" + paint(Bold, rr) + "\n")
			b.WriteString(sessionTable(r, rr).Render(paint))
		}
		b.WriteString("\n")
	}
	if list := findingList(r, paint); list != "" {
		b.WriteString(list + "\n")
	}
	if line := vmLine(r, paint); line != "" {
		b.WriteString(line + "\n")
	}
	b.WriteString(verdict(r, paint) + "\n")
	return b.String()
}

// tableWidth is what a terminal shows of a line.
const tableWidth = 80

// hostTable has a column for each check that any host has.
func hostTable(r *verify.Report) *Table {
	var names []string
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	t := &Table{width: tableWidth}
	titles := []string{"HOST", "ROLE"}
	for _, n := range names {
		short, _, _ := strings.Cut(n, "-") // "frr-running": FRR
		titles = append(titles, strings.ToUpper(short))
	}
	t.Head(titles...)
	for _, h := range r.Hosts {
		row := []Cell{{h.Host, Bold}, {h.Role, Plain}}
		for _, n := range names {
			row = append(row, checkCell(h, n))
		}
		t.Row(row...)
	}
	return t
}

func checkCell(h verify.HostReport, name string) Cell {
	for _, c := range h.Checks {
		if c.Name == name {
			return statusCell(c.Status)
		}
	}
	return Cell{"-", Dim}
}

func statusCell(s verify.Status) Cell { return Cell{string(s), statusStyle(s)} }

func statusStyle(s verify.Status) Style {
	switch s {
	case verify.OK:
		return green
	case verify.Warn:
		return yellow
	case verify.Bad:
		return red
	}
	return Dim
}

// reflectors names those of the sessions, in the report's order.
func reflectors(r *verify.Report) []string {
	var out []string
	for _, s := range r.Sessions {
		if !slices.Contains(out, s.RR) {
			out = append(out, s.RR)
		}
	}
	return out
}

func sessionTable(r *verify.Report, rr string) *Table {
	t := &Table{indent: "  ", width: tableWidth}
	t.Head("PEER", "FAMILY", "STATUS", "AT RR", "AT PEER", "UP", "ACCEPTED")
	for _, s := range r.Sessions {
		if s.RR != rr {
			continue
		}
		seen := s.Near
		if !seen.Asked {
			seen = s.Far
		}
		family := shortFamily(s.Family)
		t.Row(Cell{s.Peer, Bold}, Cell{family, Plain}, statusCell(s.Status),
			endCell(s.Near, family), endCell(s.Far, family), Cell{uptime(seen), Plain}, Cell{accepted(s.Near), Plain})
	}
	return t
}

// shortFamily gives "ipv4" for "ipv4-unicast" and "evpn" for "l2vpn-evpn".
func shortFamily(family string) string {
	return strings.TrimPrefix(strings.TrimSuffix(family, "-unicast"), "l2vpn-")
}

// endCell is what one end says of a session.
func endCell(e verify.End, family string) Cell {
	switch {
	case !e.Asked:
		return Cell{"not asked", Dim}
	case e.State == "":
		return Cell{"-", Dim}
	case e.State != "Established":
		return Cell{e.State, red}
	case !e.Negotiated:
		return Cell{"no " + family, red}
	}
	return Cell{e.State, green}
}

func uptime(e verify.End) string {
	if e.State != "Established" {
		return "-"
	}
	d := time.Duration(e.UptimeSec) * time.Second
	switch {
	case d >= 100*24*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d >= 24*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}

// accepted gives how many prefixes the reflector accepts, "2 of 3" if these are not all that came in.
func accepted(e verify.End) string {
	switch {
	case !e.Asked || e.State != "Established":
		return "-"
	case e.Received <= e.Accepted: // or not known
		return fmt.Sprint(e.Accepted)
	}
	return fmt.Sprintf("%d of %d", e.Accepted, e.Received)
}

// mostNames is how many hosts or sessions a finding names.
const mostNames = 4

// findingList names everything that is not well, with its hint. What was not
// checked follows from something that failed: it is left out unless nothing failed.
func findingList(r *verify.Report, paint func(Style, string) string) string {
	var b strings.Builder
	findings := r.Findings()
	failed := slices.ContainsFunc(findings, func(f verify.Finding) bool { return f.Status == verify.Bad })
	findings = slices.DeleteFunc(findings, func(f verify.Finding) bool { return failed && f.Status == verify.NotChecked })
	for _, f := range fewVMs(findings) {
		fmt.Fprintf(&b, "%s  %s: %s\n", paint(statusStyle(f.Status), string(f.Status)), findingName(f), strings.ReplaceAll(cmp.Or(f.Detail, "no details"), "\n", "\n    "))
		if len(f.Like) > 0 {
			b.WriteString(Indent("    ", "likewise "+step.SomeOf(f.Like, mostNames, ", ")))
		}
		if text := effects(f.Effects); text != "" {
			b.WriteString(Indent("    ", "because of this, "+text))
		}
		if f.Hint != "" {
			b.WriteString(Indent("    ", f.Hint))
		}
	}
	return b.String()
}

// findingName is what a finding is about: "node1, node2 reachable", or sessions.
func findingName(f verify.Finding) string {
	if f.VM != nil {
		return vmName(*f.VM)
	}
	names := slices.Clone(f.Names)
	_, last, _ := step.CutLast(names[0], " ")
	if !slices.ContainsFunc(names, func(n string) bool { return !strings.HasSuffix(n, " "+last) }) {
		for i := range names[:len(names)-1] { // the check or the family that they have in common
			names[i] = strings.TrimSuffix(names[i], " "+last)
		}
	}
	return step.SomeOf(names, mostNames, ", ")
}

// effects says what a finding is the cause of: "12 sessions are down and 5 VMs are not announced".
func effects(e verify.Effects) string {
	var parts []string
	add := func(n int, noun, one, many string) {
		switch {
		case n == 1:
			parts = append(parts, "1 "+noun+" "+one)
		case n > 1:
			parts = append(parts, fmt.Sprintf("%d %ss %s", n, noun, many))
		}
	}
	add(e.Down, "session", "is down", "are down")
	add(e.Unchecked, "session", "is not checked", "are not checked")
	add(e.Warned, "session", "has no BFD", "have no BFD")
	add(e.VMsMissing, "VM", "lacks routes", "lack routes")
	add(e.VMsUnchecked, "VM", "is not checked", "are not checked")
	return step.AndList(parts)
}

func verdict(r *verify.Report, paint func(Style, string) string) string {
	up := 0
	for _, s := range r.Sessions {
		if s.Up() {
			up++
		}
	}
	sessions := Count(len(r.Sessions), "session")
	if len(r.Sessions) > 0 {
		sessions = fmt.Sprintf("%d of %s up", up, sessions)
	}
	counted := Count(len(r.Hosts), "host") + ", " + sessions
	unseen := ""
	switch len(r.NotAsked) {
	case 0:
	case 1:
		unseen = r.NotAsked[0] + " was not asked"
	default:
		unseen = step.AndList(r.NotAsked) + " were not asked"
	}
	switch {
	case r.Healthy && unseen != "":
		return paint(green, "healthy as far as seen") + ": " + unseen + "; " + counted
	case r.Healthy:
		return paint(green, "healthy") + ": " + counted
	case unseen != "":
		counted += "; " + unseen
	}
	return paint(red, "not healthy") + ": " + counted
}

// IsProblem says whether a status keeps a fabric from being healthy.
func IsProblem(s verify.Status) bool { return s == verify.Bad || s == verify.NotChecked }
