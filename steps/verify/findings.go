package verify

import (
	"slices"
	"strings"

	"ipfabric/steps/bgp"
	"ipfabric/steps/vms"
)

// A Finding is one thing that an operator should know: a check, a session or a VM that is not OK.
// What follows from another finding is not one itself: it is counted there.
type Finding struct {
	Names  []string // what it is about: "rr1 frr-running", "rr1 – node1 ipv4-unicast"; all say the same
	Like   []string // sessions that say it in other words, and for which there is the same to do
	VM     *VMCheck // nil unless it is about a VM or a stray route
	Status Status
	Detail string
	Hint   string
	Effects
}

// Effects is what a finding explains: how many sessions and VMs are as they are because of it.
type Effects struct {
	Down, Unchecked, Warned  int // sessions
	VMsMissing, VMsUnchecked int
}

// Findings lists everything that is not OK: hosts, sessions, VMs. Hosts of which the same is said
// share a finding, and so do sessions for which there is the same to do.
func (r *Report) Findings() []Finding {
	var out []Finding
	at := map[string]int{} // by what findings share
	add := func(shared string, f Finding) {
		if i, ok := at[shared]; ok && shared != "" {
			if out[i].Detail == f.Detail {
				out[i].Names = append(out[i].Names, f.Names...)
			} else {
				out[i].Like = append(out[i].Like, f.Names...)
			}
			return
		}
		at[shared] = len(out)
		out = append(out, f)
	}
	for _, h := range r.Hosts {
		for _, c := range h.Checks {
			if c.Status == OK {
				continue
			}
			hint := strings.ReplaceAll(c.Hint, limit(h.Host), limit("")) // one command for all of them
			add(strings.Join([]string{"host", c.Name, string(c.Status), c.Detail, hint}, "\x00"),
				Finding{Names: []string{checkOf(h.Host, c.Name)}, Status: c.Status, Detail: c.Detail, Hint: hint})
		}
	}
	for i, f := range out {
		var hosts []string
		for _, n := range f.Names {
			host, _, _ := strings.Cut(n, " ")
			hosts = append(hosts, host)
		}
		out[i].Hint = strings.ReplaceAll(f.Hint, limit(""), limit(strings.Join(hosts, ",")))
	}
	for _, s := range r.Sessions {
		if s.Status == OK || s.Cause != "" {
			continue
		}
		shared := ""
		if s.Hint != "" {
			shared = strings.Join([]string{"session", string(s.Status), s.Hint}, "\x00")
		}
		add(shared, Finding{Names: []string{s.Name()}, Status: s.Status, Detail: s.Detail, Hint: s.Hint})
	}
	for i, v := range r.VMs {
		if v.Status != OK && v.Cause == "" {
			add("", Finding{VM: &r.VMs[i], Status: v.Status, Detail: v.Detail, Hint: v.Hint})
		}
	}
	effects := r.effects()
	for i := range out {
		causes := slices.Concat(out[i].Names, out[i].Like)
		slices.Sort(causes)
		for _, cause := range slices.Compact(causes) {
			out[i].Effects.add(effects[cause])
		}
	}
	return out
}

// limit is how hints name the hosts of a command.
func limit(hosts string) string { return "--limit " + hosts + "`" }

// add counts what another cause explains, too.
func (e *Effects) add(o Effects) {
	e.Down += o.Down
	e.Unchecked += o.Unchecked
	e.Warned += o.Warned
	e.VMsMissing += o.VMsMissing
	e.VMsUnchecked += o.VMsUnchecked
}

// effects counts what each cause explains.
func (r *Report) effects() map[string]Effects {
	out := map[string]Effects{}
	for _, s := range r.Sessions {
		e := out[s.Cause]
		switch s.Status {
		case Bad:
			e.Down++
		case NotChecked:
			e.Unchecked++
		case Warn:
			e.Warned++
		}
		out[s.Cause] = e
	}
	for _, v := range r.VMs {
		if v.VM == "" {
			continue // a stray route
		}
		e := out[v.Cause]
		switch v.Status {
		case Bad:
			e.VMsMissing++
		case NotChecked:
			e.VMsUnchecked++
		}
		out[v.Cause] = e
	}
	delete(out, "") // what has no cause
	return out
}

// Problems counts the findings that keep the fabric from being healthy. What could not be checked
// counts only if nothing has failed: it follows from that.
func (r *Report) Problems() int {
	count := map[Status]int{}
	for _, f := range r.Findings() {
		count[f.Status]++
	}
	if count[Bad] == 0 {
		return count[NotChecked]
	}
	return count[Bad]
}

// has says whether anything has a status.
func (r *Report) has(want Status) bool {
	for _, h := range r.Hosts {
		if slices.ContainsFunc(h.Checks, func(c Check) bool { return c.Status == want }) {
			return true
		}
	}
	return slices.ContainsFunc(r.Sessions, func(s Session) bool { return s.Status == want }) ||
		slices.ContainsFunc(r.VMs, func(v VMCheck) bool { return v.Status == want })
}

// Only returns the report of some hosts: theirs, their sessions, and the VMs that concern them. Of
// sessions with an excluded host, one end could not be seen: they are left out, too.
func (r *Report) Only(hosts, excluded []string) *Report {
	out := *r
	shown := map[string]bool{} // also the other ends of sessions
	for _, h := range hosts {
		shown[h] = true
	}
	out.Hosts = slices.DeleteFunc(slices.Clone(r.Hosts), func(h HostReport) bool { return !slices.Contains(hosts, h.Host) })
	out.Sessions = slices.DeleteFunc(slices.Clone(r.Sessions), func(s Session) bool {
		return !slices.Contains(hosts, s.RR) && !slices.Contains(hosts, s.Peer) ||
			slices.Contains(excluded, s.RR) || slices.Contains(excluded, s.Peer)
	})
	out.VMs = slices.DeleteFunc(slices.Clone(r.VMs), func(v VMCheck) bool { return !slices.ContainsFunc(hosts, v.Concerns) })
	for _, s := range out.Sessions {
		shown[s.RR], shown[s.Peer] = true, true
	}
	out.NotAsked = slices.DeleteFunc(slices.Clone(r.NotAsked), func(h string) bool { return !shown[h] })

	// What has its cause outside stands for itself.
	causes := map[string]bool{}
	for _, h := range out.Hosts {
		for _, c := range h.Checks {
			causes[checkOf(h.Host, c.Name)] = true
		}
	}
	for i := range out.Sessions {
		if s := &out.Sessions[i]; !causes[s.Cause] {
			s.Cause = ""
		}
		causes[out.Sessions[i].Name()] = out.Sessions[i].Cause == ""
	}
	for i := range out.VMs {
		if v := &out.VMs[i]; !causes[v.Cause] {
			v.Cause = ""
		}
	}
	out.Healthy = !out.has(Bad) && !out.has(NotChecked)
	return &out
}

// checkOf names a check of a host.
func checkOf(host, check string) string { return host + " " + check }

// Up says whether a session carries routes, be it that some of them are refused.
func (s Session) Up() bool {
	return s.Status == OK || s.Status == Warn || s.Status == Bad && s.Near.Negotiated && s.Far.Negotiated
}

// Routes says whether any session carries a route that came in at its other end.
func (r *Report) Routes() bool {
	return slices.ContainsFunc(r.Sessions, func(s Session) bool { return s.Near.Received > 0 || s.Far.Received > 0 })
}

// Name names a session with its family.
func (s Session) Name() string { return strings.TrimSpace(s.RR + " – " + s.Peer + " " + s.Family) }

// explainVMs finds the causes of VMs that are announced by their node and missing on reflectors: the
// node's FRR, or a session between the two that is down.
func (r *Report) explainVMs() {
	for i := range r.VMs {
		if v := &r.VMs[i]; v.VM != "" && v.Status == Bad && v.State == "announced" {
			v.Cause = r.causeOf(*v)
		}
	}
}

// causeOf returns the one thing that explains each reflector's lack of a VM, "" if there is none.
func (r *Report) causeOf(v VMCheck) string {
	cause := ""
	for _, seen := range v.Seen {
		if seen.Status == vms.SeenYes || seen.Status == vms.SeenUnknown {
			continue
		}
		i := slices.IndexFunc(r.Sessions, func(s Session) bool {
			family := s.Family == bgp.IPv4Unicast && v.IPv4.IsValid() || s.Family == bgp.IPv6Unicast && v.IPv6.IsValid()
			down := s.Status == Bad && !s.Up() || s.Status == NotChecked && s.Cause == checkOf(v.Node, checkFRR)
			return s.RR == seen.RR && s.Peer == v.Node && down && family
		})
		if i < 0 || seen.Status == vms.SeenOther {
			return ""
		}
		if s := r.Sessions[i]; cause == "" && s.Cause != "" {
			cause = s.Cause
		} else if cause == "" {
			cause = s.Name()
		}
	}
	return cause
}
