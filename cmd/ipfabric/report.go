package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"ipfabric/steps/verify"
)

// renderReport gives verify's report for people: the hosts, the sessions of
// each route reflector, a line about the VMs, and then everything that is not well, with what to do.
func renderReport(r *verify.Report, paint func(style, string) string) string {
	var b strings.Builder
	b.WriteString(hostTable(r).render(paint))
	for _, rr := range reflectors(r) {
		b.WriteString("\n" + paint(bold, rr) + "\n")
		b.WriteString(sessionTable(r, rr).render(paint))
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
func hostTable(r *verify.Report) *table {
	var names []string
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	t := &table{}
	titles := []string{"HOST", "ROLE"}
	for _, n := range names {
		titles = append(titles, strings.ToUpper(strings.ReplaceAll(n, "-", " ")))
	}
	t.head(titles...)
	for _, h := range r.Hosts {
		row := []cell{{h.Host, bold}, {h.Role, plain}}
		for _, n := range names {
			row = append(row, checkCell(h, n))
		}
		t.row(row...)
	}
	return t
}

func checkCell(h verify.HostReport, name string) cell {
	for _, c := range h.Checks {
		if c.Name == name {
			return statusCell(c.Status)
		}
	}
	return cell{"-", dim}
}

func statusCell(s verify.Status) cell { return cell{string(s), statusStyle(s)} }

func statusStyle(s verify.Status) style {
	switch s {
	case verify.OK:
		return green
	case verify.Warn:
		return yellow
	case verify.Bad:
		return red
	}
	return dim
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

func sessionTable(r *verify.Report, rr string) *table {
	t := &table{indent: "  "}
	t.head("PEER", "FAMILY", "STATUS", "AT "+strings.ToUpper(rr), "AT PEER", "UPTIME", "RECEIVED", "ACCEPTED")
	for _, s := range r.Sessions {
		if s.RR != rr {
			continue
		}
		seen := s.Near
		if !seen.Asked {
			seen = s.Far
		}
		t.row(cell{s.Peer, bold}, cell{s.Family, plain}, statusCell(s.Status),
			endCell(s.Near), endCell(s.Far), cell{uptime(seen), plain},
			cell{prefixes(s.Near, s.Near.Received), plain}, cell{prefixes(s.Near, s.Near.Accepted), plain})
	}
	return t
}

// endCell is what one end says of a session.
func endCell(e verify.End) cell {
	switch {
	case !e.Asked:
		return cell{"not asked", dim}
	case e.State == "":
		return cell{"-", dim}
	case e.State != "Established":
		return cell{e.State, red}
	case !e.Negotiated:
		return cell{"not negotiated", red}
	}
	return cell{e.State, green}
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
func problemList(r *verify.Report, paint func(style, string) string) string {
	var b strings.Builder
	onlyUnknown := !hasStatus(r, verify.Bad)
	add := func(name string, s verify.Status, detail, hint string) {
		if s == verify.OK || (s == verify.NotChecked && !onlyUnknown) {
			return
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", paint(statusStyle(s), string(s)), name, strings.ReplaceAll(cmp.Or(detail, "no details"), "\n", "\n    "))
		if hint != "" {
			b.WriteString(indent("    ", hint))
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

func verdict(r *verify.Report, paint func(style, string) string) string {
	up := 0
	for _, s := range r.Sessions {
		if s.Status == verify.OK || s.Status == verify.Warn {
			up++
		}
	}
	sessions := count(len(r.Sessions), "session")
	if len(r.Sessions) > 0 {
		sessions = fmt.Sprintf("%d of %s up", up, sessions)
	}
	counted := count(len(r.Hosts), "host") + ", " + sessions
	if r.Healthy {
		return paint(green, "healthy") + ": " + counted
	}
	return paint(red, "not healthy") + ": " + counted
}

func isProblem(s verify.Status) bool { return s == verify.Bad || s == verify.NotChecked }
