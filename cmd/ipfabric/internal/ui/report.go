package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/verify"
)

// Report gives verify's report for people: the hosts, the sessions of
// each route reflector, a line about the VMs, and then everything that is not well, with what to do.
func Report(r *verify.Report, paint func(Style, string) string) string {
	var b strings.Builder
	b.WriteString(hostTable(r).Render(paint))
	for _, rr := range reflectors(r) {
		b.WriteString("\n" + paint(Bold, rr) + "\n")
		b.WriteString(sessionTable(r, rr).Render(paint))
	}
	if line := vmLine(r, paint); line != "" {
		b.WriteString("\n" + line + "\n")
	}
	if list := problemList(r, paint); list != "" {
		b.WriteString("\n" + list)
	}
	b.WriteString("\n" + verdict(r, paint) + "\n")
	return b.String()
}

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
	t := &Table{}
	titles := []string{"HOST", "ROLE"}
	for _, n := range names {
		titles = append(titles, strings.ToUpper(strings.ReplaceAll(n, "-", " ")))
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
	t := &Table{indent: "  "}
	t.Head("PEER", "FAMILY", "STATUS", "AT "+strings.ToUpper(rr), "AT PEER", "UPTIME", "RECEIVED", "ACCEPTED")
	for _, s := range r.Sessions {
		if s.RR != rr {
			continue
		}
		seen := s.Near
		if !seen.Asked {
			seen = s.Far
		}
		t.Row(Cell{s.Peer, Bold}, Cell{s.Family, Plain}, statusCell(s.Status),
			endCell(s.Near), endCell(s.Far), Cell{uptime(seen), Plain},
			Cell{prefixes(s.Near, s.Near.Received), Plain}, Cell{prefixes(s.Near, s.Near.Accepted), Plain})
	}
	return t
}

// endCell is what one end says of a session.
func endCell(e verify.End) Cell {
	switch {
	case !e.Asked:
		return Cell{"not asked", Dim}
	case e.State == "":
		return Cell{"-", Dim}
	case e.State != "Established":
		return Cell{e.State, red}
	case !e.Negotiated:
		return Cell{"not negotiated", red}
	}
	return Cell{e.State, green}
}

func uptime(e verify.End) string {
	if e.State != "Established" {
		return "-"
	}
	d := time.Duration(e.UptimeSec) * time.Second
	if d >= 24*time.Hour {
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
	return d.String()
}

func prefixes(e verify.End, n int) string {
	if !e.Asked || e.State != "Established" || n < 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// problemList names everything that is not well, with its hint. What was not
// checked follows from something that failed: it stands in the tables alone,
// unless nothing failed.
func problemList(r *verify.Report, paint func(Style, string) string) string {
	var b strings.Builder
	onlyUnknown := !hasStatus(r, verify.Bad)
	add := func(name string, s verify.Status, detail, hint string) {
		if s == verify.OK || (s == verify.NotChecked && !onlyUnknown) {
			return
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", paint(statusStyle(s), string(s)), name, strings.ReplaceAll(cmp.Or(detail, "no details"), "\n", "\n    "))
		if hint != "" {
			b.WriteString(Indent("    ", hint))
		}
	}
	same := map[verify.Check][]string{} // hosts: a jump host that is down may be the reason of many
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			same[c] = append(same[c], h.Host)
		}
	}
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if hosts := same[c]; hosts[0] == h.Host {
				add(strings.Join(hosts, ", ")+" "+c.Name, c.Status, c.Detail, c.Hint)
			}
		}
	}
	for _, s := range r.Sessions {
		add(sessionName(s), s.Status, s.Detail, s.Hint)
	}
	vmFindings(r, add)
	return b.String()
}

func sessionName(s verify.Session) string { return s.RR + " – " + s.Peer + " " + s.Family }

func hasStatus(r *verify.Report, want verify.Status) bool {
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if c.Status == want {
				return true
			}
		}
	}
	return slices.ContainsFunc(r.Sessions, func(s verify.Session) bool { return s.Status == want }) ||
		slices.ContainsFunc(r.VMs, func(v verify.VMCheck) bool { return v.Status == want })
}

func verdict(r *verify.Report, paint func(Style, string) string) string {
	up := 0
	for _, s := range r.Sessions {
		if s.Status == verify.OK || s.Status == verify.Warn {
			up++
		}
	}
	sessions := Count(len(r.Sessions), "session")
	if len(r.Sessions) > 0 {
		sessions = fmt.Sprintf("%d of %s up", up, sessions)
	}
	counted := Count(len(r.Hosts), "host") + ", " + sessions
	if r.Healthy {
		return paint(green, "healthy") + ": " + counted
	}
	return paint(red, "not healthy") + ": " + counted
}

// IsProblem says whether a status keeps a fabric from being healthy.
func IsProblem(s verify.Status) bool { return s == verify.Bad || s == verify.NotChecked }
