package ui

import (
	"fmt"
	"slices"
	"strings"

	"ipfabric/inventory/vm"
	"ipfabric/steps/frr"
	"ipfabric/steps/frr/conf"
	"ipfabric/steps/run"
	"ipfabric/steps/step"
)

// An Outlook is what a dry run found. It is also `plan --json`.
type Outlook struct {
	Fabric  string        `json:"fabric"`
	Changes int           `json:"changes"` // steps that differ, on all hosts
	Failed  int           `json:"failed"`  // hosts that could not be looked at
	Hosts   []HostOutlook `json:"hosts"`
}

// A HostOutlook is one host of an outlook.
type HostOutlook struct {
	Host  string           `json:"host"`
	Role  string           `json:"role"`
	State run.State        `json:"state"` // in-sync, differs, failed or skipped
	Steps []run.Difference `json:"steps"` // in their order
	Code  vm.Code          `json:"code,omitempty"`
	Error string           `json:"error,omitempty"`
	Hint  string           `json:"hint,omitempty"`

	FRR *frr.Versions `json:"frr,omitempty"` // in a plan, where the host told it

	Result run.HostResult
}

// failed are the results of the hosts that could not be looked at, in order.
func (o *Outlook) FailedHosts() run.Result {
	var out run.Result
	for _, h := range o.Hosts {
		if h.Result.Err != nil {
			out = append(out, h.Result)
		}
	}
	return out
}

// Render gives the outlook for people. Hosts of which the same is to be said
// share one paragraph.
func (o *Outlook) Render(extent Extent, paint func(Style, string) string) string {
	var paragraphs []string
	hosts := map[string][]string{} // by paragraph
	inSync := 0
	for _, h := range o.Hosts {
		if h.Result.Err == nil && len(h.Steps) == 0 {
			inSync++
			continue
		}
		p := h.paragraph(extent, paint)
		if hosts[p] == nil {
			paragraphs = append(paragraphs, p)
		}
		hosts[p] = append(hosts[p], h.Host)
	}
	var b strings.Builder
	for _, p := range paragraphs {
		fmt.Fprintf(&b, "%s  %s\n", paint(Bold, strings.Join(hosts[p], ", ")), p)
	}
	b.WriteString(o.frrLine())
	b.WriteString(o.summary(inSync) + "\n")
	return b.String()
}

// paragraph is what there is to say of a host, but for its name.
func (h HostOutlook) paragraph(extent Extent, paint func(Style, string) string) string {
	var b strings.Builder
	switch {
	case h.Result.Err != nil && len(h.Steps) > 0:
		b.WriteString(paint(red, "could not be looked at to the end; so far "+Count(len(h.Steps), "change")) + "\n")
	case h.Result.Err != nil:
		b.WriteString(paint(red, "could not be looked at") + "\n")
	default:
		b.WriteString(paint(yellow, Count(len(h.Steps), "change")) + "\n")
	}
	var inFiles map[string]bool
	if extent == InShort {
		inFiles = changedInFiles(h.Steps)
	}
	for _, st := range h.Steps {
		d := st.Diff
		if extent == InShort {
			d = slices.DeleteFunc(slices.Clone(d), func(c step.Change) bool { return follows(c, inFiles) })
		}
		if len(d) == 0 {
			b.WriteString("  " + paint(Bold, st.Step) + " (takes over these lines)\n")
			continue
		}
		b.WriteString("  " + paint(Bold, st.Step) + "\n")
		b.WriteString(Indent("    ", Diff(d, extent, paint)))
	}
	return b.String()
}

// changedInFiles are the lines "-…" and "+…", without their indentation, in which
// the texts of the steps differ.
func changedInFiles(steps []run.Difference) map[string]bool {
	out := map[string]bool{}
	for _, st := range steps {
		for _, c := range st.Diff {
			if !isText(c.Have) && !isText(c.Want) {
				continue
			}
			for _, line := range diffLines(c.Have, c.Want) {
				if line[0] == '+' || line[0] == '-' {
					out[line[:1]+strings.TrimSpace(line[1:])] = true
				}
			}
		}
	}
	return out
}

// follows says whether a line of FRR's running configuration changes as it does
// in the file.
func follows(c step.Change, inFiles map[string]bool) bool {
	sign, line := "+", c.Want
	if c.Want == "" {
		sign, line = "-", c.Have
	}
	if i := strings.LastIndex(line, " | "); i >= 0 { // "block | line"
		line = line[i+3:]
	}
	return c.Item == conf.Running && inFiles[sign+line]
}

func (o *Outlook) summary(inSync int) string {
	parts := []string{Count(o.Changes, "change") + " to make"}
	if o.Changes == 0 {
		parts[0] = "0 changes"
	}
	if inSync > 0 {
		parts = append(parts, Count(inSync, "host")+" in sync")
	}
	if o.Failed > 0 {
		parts = append(parts, Count(o.Failed, "host")+" could not be looked at")
	}
	return strings.Join(parts, ", ")
}

// ToChange names the hosts that a run has something to do on.
func (o *Outlook) ToChange() []string {
	var out []string
	for _, h := range o.Hosts {
		if h.Result.Err == nil && len(h.Steps) > 0 {
			out = append(out, h.Host)
		}
	}
	return out
}

// AddFRR adds the versions of FRR that hosts have, by their names.
func (o *Outlook) AddFRR(versions map[string]frr.Versions) {
	for i, h := range o.Hosts {
		if v, ok := versions[h.Host]; ok {
			o.Hosts[i].FRR = &v
		}
	}
}

// frrLine says which FRR the hosts have: "FRR: rr1, rr2 8.4.4-1; node1 none".
func (o *Outlook) frrLine() string {
	var texts []string
	hosts := map[string][]string{} // by text
	for _, h := range o.Hosts {
		if h.FRR == nil {
			continue
		}
		t := frrText(*h.FRR)
		if hosts[t] == nil {
			texts = append(texts, t)
		}
		hosts[t] = append(hosts[t], h.Host)
	}
	for i, t := range texts {
		texts[i] = strings.Join(hosts[t], ", ") + " " + t
	}
	if len(texts) == 0 {
		return ""
	}
	return "FRR: " + strings.Join(texts, "; ") + "\n"
}

func frrText(v frr.Versions) string {
	switch {
	case v.Installed == "" && v.Offered == "":
		return "none yet"
	case v.Installed == "":
		return "none, gets " + v.Offered
	case v.Offered == "" || v.Offered == v.Installed:
		return v.Installed
	}
	return v.Installed + " (its source has " + v.Offered + ")"
}
